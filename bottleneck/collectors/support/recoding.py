"""Hooks a Python function by exchanging its code, so that the function itself stays the one that the program knows.

Its identity, signature, defaults, module and globals do not change, and names that were imported from its module before
are hooked too. The new code takes the same parameters and passes them to our hook, which calls a copy of the original.
"""

# As in ``inspect`` and ``types``: importing them takes longer than all of ours.
_VARARGS, _VARKEYWORDS, _GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x4, 0x8, 0x20, 0x80, 0x200
_MARK = "(hook)"  # the constant that becomes the hook


class _Plain:
    def kinds(self):
        return type(self.kinds), type(_Plain.kinds), type(_Plain.kinds.__code__)


MethodType, FunctionType, CodeType = _Plain().kinds()


def twin(function):
    """A function like ``function``, with its present code, for the hook to call."""
    copy = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__qualname__ = function.__qualname__
    copy.__module__ = function.__module__
    return copy


def forwarding(function, hooked, file, by_name=True):
    """Code for ``function`` that calls ``hooked`` with all its arguments and returns, awaits or yields from the result.

    Its file name is ``file``, and its line numbers begin at the function's first line. With ``by_name``, parameters
    that have a default are passed by name, unless they are positional-only or the function takes ``*args``.
    """
    code = function.__code__
    names = code.co_varnames
    count, only = code.co_argcount, code.co_kwonlyargcount
    positional, keywords = names[:count], names[count : count + only]
    rest = list(names[count + only :])
    star = rest.pop(0) if code.co_flags & _VARARGS else None
    double = rest.pop(0) if code.co_flags & _VARKEYWORDS else None

    taken = list(positional)
    if code.co_posonlyargcount:
        taken.insert(code.co_posonlyargcount, "/")
    taken += ["*" + star] if star else ["*"] if keywords else []
    taken += [*keywords, *(["**" + double] if double else [])]
    required = count if star or not by_name else max(count - len(function.__defaults__ or ()), code.co_posonlyargcount)
    passed = [*positional[:required], *(["*" + star] if star else [])]
    passed += ["%s=%s" % (name, name) for name in (*positional[required:], *keywords)]
    passed += ["**" + double] if double else []

    # The hook takes the place of the function's first own variable; ``co_varnames`` stays as it was.
    own = next((name for name in rest if name.isidentifier()), None)
    hook = own or "[%r][0]" % _MARK
    call = "%s(%s)" % (hook, ", ".join(passed))
    is_async = code.co_flags & _COROUTINE
    if is_async:
        call = "await " + call
    elif code.co_flags & _GENERATOR:
        call = "(yield from %s)" % call
    lines = ["def outer():"]
    lines += [" %s = None" % name for name in code.co_freevars]
    lines += [" %sdef inner(%s):" % ("async " if is_async else "", ", ".join(taken))]
    lines += ["  if 0: %s" % name for name in code.co_freevars]  # it must have the same free variables
    lines += ["  %s = %r" % (hook, _MARK)] if own else []
    lines += ["  return " + call]
    made = compile("\n".join(lines), file, "exec", dont_inherit=True)
    made = _inner(_inner(made))
    fields = {"co_qualname": code.co_qualname} if hasattr(code, "co_qualname") else {}
    consts = tuple(hooked if each == _MARK else each for each in made.co_consts)
    fields["co_firstlineno"] = code.co_firstlineno
    return made.replace(co_consts=consts, co_name=code.co_name, co_varnames=names, co_nlocals=len(names), **fields)


def can_recode(function):
    """Whether ``function`` is a Python function of a kind that we can forward."""
    return isinstance(function, FunctionType) and not function.__code__.co_flags & _ASYNC_GENERATOR


def _inner(code):
    return next(each for each in code.co_consts if isinstance(each, CodeType))
