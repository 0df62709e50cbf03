"""A query's ``filterExpression``: ``(1 and 2) or 3``, whose numbers count the filters from 1."""

import re
from collections.abc import Sequence
from typing import Literal

from adapters.sage_intacct.sandbox_refusals import RefusedError, bad_request

__all__ = ["Postfix", "holds", "parse_expression"]

Postfix = tuple[int | Literal["and", "or"], ...]
"""An expression with each operator after its operands; a number is an index from 0. Empty: always true."""

_TOKEN = re.compile(r"\s*(?:(\()|(\))|(and|or)\b|([0-9]{1,6})\b)")
_BINDS = {"or": 1, "and": 2}


def parse_expression(text: str, count: int) -> Postfix:
    """The expression over ``count`` filters; ``and`` binds closer than ``or``.

    Raises a 400 where it is not one, names a filter that is not there, or leaves one out.
    """
    if text in {"and", "or"}:
        operator: Literal["and", "or"] = "and" if text == "and" else "or"
        return tuple(range(count)) + (operator,) * (count - 1)
    output: list[int | Literal["and", "or"]] = []
    waiting: list[str] = []
    operand_next = True
    position = 0
    text = text.rstrip()
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None or operand_next != bool(token[1] or token[4]):
            raise _broken(text)
        position = token.end()
        if token[4]:
            output.append(_index(int(token[4]), count))
        elif token[1]:
            waiting.append("(")
        elif token[2]:
            _unwind(waiting, output, 0)
            if not waiting:
                raise _broken(text)
            waiting.pop()
        else:
            _unwind(waiting, output, _BINDS[token[3]])
            waiting.append(token[3])
        operand_next = bool(token[1] or token[3])
    _unwind(waiting, output, 0)
    if operand_next or waiting:
        raise _broken(text)
    if len({part for part in output if isinstance(part, int)}) < count:
        raise bad_request("filterExpression leaves a filter out")
    return tuple(output)


def holds(expression: Postfix, verdicts: Sequence[bool]) -> bool:
    """Whether the expression is true where the filters are as ``verdicts`` says."""
    stack: list[bool] = []
    for part in expression:
        if isinstance(part, int):
            stack.append(verdicts[part])
        else:
            right, left = stack.pop(), stack.pop()
            stack.append((left and right) if part == "and" else (left or right))
    return stack[0] if stack else True


def _unwind(waiting: list[str], output: list[int | Literal["and", "or"]], binding: int) -> None:
    """Moves the operators that bind at least as closely to the output, down to an open parenthesis."""
    while waiting and waiting[-1] != "(" and _BINDS[waiting[-1]] >= binding:
        output.append("and" if waiting.pop() == "and" else "or")


def _index(number: int, count: int) -> int:
    if not 1 <= number <= count:
        raise bad_request(f"filterExpression names filter {number}; there are {count}")
    return number - 1


def _broken(text: str) -> RefusedError:
    return bad_request(f"filterExpression is not valid: {text[:100]}")
