# RAGD_FUZZING: --enable-fuzzing links the fuzzers with libFuzzer (clang); without it they get our
# own driver, which replays the seeds and mutates them for a few seconds in `make check`.
AC_DEFUN([RAGD_FUZZING], [
  AC_ARG_ENABLE([fuzzing], [AS_HELP_STRING([--enable-fuzzing], [link the fuzzers with libFuzzer (needs clang)])])
  FUZZ_CFLAGS=
  FUZZ_LDFLAGS=
  ragd_fuzzing_text="own driver over the seeds"
  AS_IF([test "x$enable_fuzzing" = xyes], [
    ragd_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -fsanitize=fuzzer-no-link"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([])], [],
      [AC_MSG_ERROR([--enable-fuzzing needs clang: CC=clang CXX=clang++ ./configure --enable-fuzzing])])
    CFLAGS=$ragd_save_CFLAGS
    FUZZ_CFLAGS="-fsanitize=fuzzer-no-link"
    FUZZ_LDFLAGS="-fsanitize=fuzzer"
    ragd_fuzzing_text="libFuzzer"])
  AC_SUBST([FUZZ_CFLAGS])
  AC_SUBST([FUZZ_LDFLAGS])
  AM_CONDITIONAL([LIBFUZZER], [test -n "$FUZZ_LDFLAGS"])
])
