"""Usage: run.py PROGRAM. Becomes `PROGRAM $COMMAND --name=value ...`, the options being the JSON in $OPTIONS.

Each value is one argument, without the blanks around it, so what people type into a form is never read
as shell and never becomes another option.
"""

import json
import os
import sys


def arguments(command: str, options: str) -> list[str]:
    """Returns the words of `channel plan` and `{"output": "file", "json": true, "surface": ["a", "b"]}`."""
    words = command.split()
    for name, value in json.loads(options).items():
        for one in value if isinstance(value, list) else [value]:
            if one is True:
                words.append(f"--{name}")
            elif one not in (None, False) and (text := str(one).strip()):
                words.append(f"--{name}={text}")
    return words


if __name__ == "__main__":
    program = sys.argv[1]
    os.execv(program, [program, *arguments(os.environ["COMMAND"], os.environ["OPTIONS"])])  # noqa: S606
