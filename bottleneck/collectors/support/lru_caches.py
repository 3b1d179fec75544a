"""How often the ``lru_cache`` functions of the user's modules found what they were asked for."""

import functools
import sys

_MOST = 64  # functions that are told of


class LruCaches:
    """Of one process. ``tell()`` notes those whose figures have changed since it was last called."""

    def __init__(self, recorder):
        self._recorder = recorder
        self._told = {}

    def tell(self):
        for name, code, cache in self._found():
            info = tuple(cache.cache_info())  # hits, misses, maxsize, currsize
            if info[0] + info[1] and self._told.get(name) != info and (name in self._told or len(self._told) < _MOST):
                self._told[name] = info
                hits, misses, most, size = info
                site = self._recorder.site_of(code, code.co_firstlineno)
                self._recorder.note("lru_cache", site=site, hits=hits, misses=misses, most=most, size=size)

    def _found(self):
        """(name, code, cache) of the caches that are globals of modules of the user's."""
        wanted = functools._lru_cache_wrapper
        prefixes = self._recorder.prefixes
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None) if type(module) is type(sys) else None
            if not isinstance(file, str) or file.startswith(prefixes):
                continue
            for value in list(vars(module).values()):
                if type(value) is wanted:
                    code = getattr(getattr(value, "__wrapped__", None), "__code__", None)
                    if code is not None and self._recorder.is_user(code):
                        yield (code.co_filename, code.co_firstlineno), code, value
