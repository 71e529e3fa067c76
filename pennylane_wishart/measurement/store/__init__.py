"""What outlives a process: the journal behind ``store=``, and what is done about calls that fail."""
