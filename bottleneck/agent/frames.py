"""The line that a frame stands on, which Python itself does not always tell."""


def line_of(frame):
    """The line that ``frame`` is at; from Python 3.11 on an instruction may belong to none, and has the one before."""
    return frame.f_lineno or line_before(frame.f_code, frame.f_lasti)


def line_before(code, at):
    """The last line in front of an instruction that belongs to none, such as the jump back to the head of a loop."""
    line = code.co_firstlineno
    for start, _, number in code.co_lines():
        if start > at:
            break
        line = number or line
    return line
