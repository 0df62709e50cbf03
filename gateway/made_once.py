"""An attribute that is made when it is first asked for: `functools.cached_property` without the lock of Python 3.11."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

__all__ = ["made_once"]

T = TypeVar("T")


class made_once(Generic[T]):  # noqa: N801 - it is written as a decorator
    """What the method gives, kept in the instance under its name. An instance is used by one thread."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> "made_once[T]": ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> "made_once[T] | T":
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._make(instance)
        return value
