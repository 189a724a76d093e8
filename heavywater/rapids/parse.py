"""Rapids text → tree.  Nothing is evaluated here, and no recursion depends on the text."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from heavywater.errors import H2OValueError
from heavywater.rapids.node import Call, Items, Lambda, Name, Node, Span

MAX_TEXT = 64 << 20
"""Characters."""
MAX_DEPTH = 4000
"""Nested parentheses."""

EFFECTS = frozenset(
    {
        "tmp=", "assign", "rm", "rename", "ls", "h2o.impute", "setTimeZone", "getTimeZone", "PermutationVarImp",
        "makeLeaderboard", "model.reset.threshold",
    }
)  # fmt: skip
"""Calls that read or change the session; their first argument is an identifier as such."""
_NAMES_A_KEY = frozenset({"tmp=", "assign", "rm", "h2o.impute"})

_TOKEN = re.compile(r"[^({\[\]})\s\\\"']+")
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "b": "\b", "'": "'", '"': '"', "\\": "\\"}
_HEX = {"x": 2, "u": 4, "U": 8}


class RapidsSyntaxError(H2OValueError):
    """Text that is not Rapids; the message says where."""


@dataclass
class _Open:
    """An expression whose end has not been seen yet: ``(…`` or, with `params`, ``{… . …``."""

    start: int
    params: tuple[str, ...] | None = None
    parts: list[Node] = field(default_factory=list)


def parse(text: str) -> Node:
    """Read one expression.

    Parameters
    ----------
    text : str
        For example ``(tmp= a (+ (cols_py air.hex 'x') 1))``.

    Raises
    ------
    RapidsSyntaxError
        Says what was expected and where; also when the text is too long or too deeply nested.
    """
    if len(text) > MAX_TEXT:
        raise RapidsSyntaxError(f"the expression has {len(text)} characters; at most {MAX_TEXT} are read")
    return _Parser(text).all()


class _Parser:
    def __init__(self, text: str):
        self.text, self.at = text, 0

    def fail(self, what: str, at: int | None = None) -> RapidsSyntaxError:
        i = self.at if at is None else at
        near = self.text[i : i + 20]
        return RapidsSyntaxError(f"{what} at character {i}" + (f", near {near!r}" if near else ""))

    def peek(self) -> str:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def all(self) -> Node:
        open_: list[_Open] = []
        while True:
            done = self.step(open_)
            if done is None:
                continue
            node: Node = done[0]
            if open_:
                open_[-1].parts.append(node)
                continue
            if self.peek():
                raise self.fail("Illegal trailing text after the end of the expression")
            return node

    def step(self, open_: list[_Open]) -> tuple[Node] | None:
        """Read one token; a complete expression comes back in a tuple."""
        c = self.peek()
        if c == "":
            raise RapidsSyntaxError("Expected an expression but ran out of text")
        if c in "({":
            if len(open_) >= MAX_DEPTH:
                raise self.fail(f"expressions are nested more than {MAX_DEPTH} deep")
            start = self.at
            self.at += 1
            open_.append(_Open(start, self.params() if c == "{" else None))
            return None
        if c == ")":
            return self.close_call(open_)
        if c == "}":
            return self.close_lambda(open_)
        if c == "[":
            return (self.list_(),)
        if c in "\"'":
            return (self.string(),)
        if c in "]\\":
            raise self.fail(f"unexpected {c!r}")
        return (self.atom(),)

    def close_call(self, open_: list[_Open]) -> tuple[Node]:
        if not open_ or open_[-1].params is not None:
            raise self.fail("a ')' without its '('")
        self.at += 1
        top = open_.pop()
        if not top.parts:
            raise self.fail("an empty application '()'", top.start)
        head, *args = top.parts
        if isinstance(head, Lambda):
            raise self.fail("a function must be named or passed to apply", top.start)
        if not isinstance(head, Name):
            raise self.fail("a function name must follow '('", top.start)
        node: Node = call(head.id, args)
        if self.text.startswith("->", self.at):
            self.at += 2
            target = self.atom()
            node = call("tmp=", [target, node])
        return (node,)

    def close_lambda(self, open_: list[_Open]) -> tuple[Node]:
        if not open_ or open_[-1].params is None:
            raise self.fail("a '}' without its '{'")
        self.at += 1
        top = open_.pop()
        if len(top.parts) != 1:
            raise self.fail(f"a function has one body; this has {len(top.parts)}", top.start)
        return (Lambda(top.params or (), top.parts[0]),)

    def params(self) -> tuple[str, ...]:
        names: list[str] = []
        while True:
            if self.peek() == "":
                raise RapidsSyntaxError("Expected an expression but ran out of text")
            token = self.token()
            if token == ".":
                return tuple(names)
            names.append(token)

    def token(self) -> str:
        self.peek()
        match = _TOKEN.match(self.text, self.at)
        if not match:
            raise self.fail("expected a name or a number")
        self.at = match.end()
        return match[0]

    def atom(self) -> Node:
        token = self.token()
        value = _number(token)
        return Name(token) if value is None else value

    def string(self) -> str:
        quote, start = self.text[self.at], self.at
        self.at += 1
        out: list[str] = []
        while self.at < len(self.text):
            c = self.text[self.at]
            if c == quote:
                self.at += 1
                return "".join(out)
            if c != "\\":
                end = self.at + 1
                while end < len(self.text) and self.text[end] not in ("\\", quote):
                    end += 1
                out.append(self.text[self.at : end])
                self.at = end
                continue
            out.append(self.escape())
        raise self.fail("a text without its closing quote", start)

    def escape(self) -> str:
        c = self.text[self.at + 1 : self.at + 2]
        if c in _ESCAPES:
            self.at += 2
            return _ESCAPES[c]
        if c in _HEX:
            digits = self.text[self.at + 2 : self.at + 2 + _HEX[c]]
            if re.fullmatch(r"[0-9a-fA-F]+", digits) and len(digits) == _HEX[c] and int(digits, 16) <= 0x10FFFF:
                self.at += 2 + len(digits)
                return chr(int(digits, 16))
        raise self.fail("an unknown escape sequence")

    def list_(self) -> Items:
        start = self.at
        self.at += 1
        numbers: list[float | Span] = []
        texts: list[str] = []
        while True:
            c = self.peek()
            if c == "":
                raise RapidsSyntaxError("Expected an expression but ran out of text")
            if c == "]":
                self.at += 1
                if numbers and texts:
                    raise self.fail("a list holds numbers or texts, not both", start)
                return Items(tuple(texts) if texts else tuple(numbers))
            if c == ",":
                self.at += 1
            elif c in "\"'":
                texts.append(self.string())
            else:
                numbers.extend(self.item(part) for part in self.token().split(",") if part)

    def item(self, token: str) -> float | Span:
        parts = [_number(p) for p in token.split(":")]
        if None in parts or len(parts) > 3:
            raise self.fail(f"{token!r} is neither a number nor a span first:count:step", self.at - len(token))
        known = [float(p) for p in parts if p is not None]
        return known[0] if len(known) == 1 else Span(*known)


def call(op: str, args: list[Node]) -> Call:
    """A call as written in text; a key that is defined or changed stays a name."""
    if op in _NAMES_A_KEY and args and isinstance(args[0], Name):
        args = [args[0].id, *args[1:]]
    return Call(op, tuple(args), effect=op in EFFECTS)


def _number(token: str) -> float | None:
    if token.lower() == "nan":
        return math.nan
    if _NUMBER.fullmatch(token):
        return float(token.rstrip("dDfF"))
    return None
