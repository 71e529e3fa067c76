"""Completion scripts, written from the parser itself so that they never lack an option."""

from __future__ import annotations

import argparse

__all__ = ["SHELLS", "script"]

SHELLS = ("bash", "zsh", "fish")

_BASH = """_wishart() {{
  local cur="${{COMP_WORDS[COMP_CWORD]}}"
  case "${{COMP_WORDS[1]}}" in
{cases}
    *) COMPREPLY=($(compgen -W "{commands} --help --version" -- "$cur"));;
  esac
}}
complete -o default -F _wishart wishart"""


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """Return the script that completes commands and options of ``parser`` in a shell of ``SHELLS``.

    File names complete as the shell does by default.
    """
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    options = {
        name: [o for a in sub._actions for o in a.option_strings if o.startswith("--")]
        for name, sub in commands.choices.items()
    }
    if shell == "fish":
        lines = [f"complete -c wishart -n __fish_use_subcommand -f -a '{' '.join(options)}'"]
        for name, found in options.items():
            lines += [f"complete -c wishart -n '__fish_seen_subcommand_from {name}' -l {o[2:]}" for o in found]
        return "\n".join(lines)
    cases = "\n".join(
        f"""    {name}) COMPREPLY=($(compgen -W "{" ".join(found)}" -- "$cur"));;""" for name, found in options.items()
    )
    text = _BASH.format(cases=cases, commands=" ".join(options))
    return f"autoload -U +X bashcompinit && bashcompinit\n{text}" if shell == "zsh" else text
