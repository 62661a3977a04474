# RAGD_SANITIZERS: --enable-asan, --enable-ubsan, --enable-tsan.
AC_DEFUN([RAGD_SANITIZERS], [
  AC_ARG_ENABLE([asan], [AS_HELP_STRING([--enable-asan], [build with AddressSanitizer])])
  AC_ARG_ENABLE([ubsan], [AS_HELP_STRING([--enable-ubsan], [build with UndefinedBehaviorSanitizer])])
  AC_ARG_ENABLE([tsan], [AS_HELP_STRING([--enable-tsan], [build with ThreadSanitizer])])
  # A fuzzer without one would not notice most of what it finds, and its plugins would not link.
  AS_IF([test "x$enable_fuzzing" = xyes && test "x$enable_asan$enable_ubsan$enable_tsan" = x],
        [enable_asan=yes])
  AS_IF([test "x$enable_asan" = xyes && test "x$enable_tsan" = xyes],
        [AC_MSG_ERROR([--enable-asan and --enable-tsan exclude each other])])
  ragd_sanitizers=
  SANITIZER_FLAGS=
  AS_IF([test "x$enable_asan" = xyes], [
    SANITIZER_FLAGS="$SANITIZER_FLAGS -fsanitize=address"; ragd_sanitizers="$ragd_sanitizers address"])
  AS_IF([test "x$enable_ubsan" = xyes], [
    # Not the types behind C++ pointers: a linker of C does not bring what that needs.
    SANITIZER_FLAGS="$SANITIZER_FLAGS -fsanitize=undefined -fno-sanitize-recover=undefined -fno-sanitize=vptr"
    ragd_sanitizers="$ragd_sanitizers undefined"])
  AS_IF([test "x$enable_tsan" = xyes], [
    SANITIZER_FLAGS="$SANITIZER_FLAGS -fsanitize=thread"; ragd_sanitizers="$ragd_sanitizers thread"])
  AS_IF([test -n "$SANITIZER_FLAGS"], [SANITIZER_FLAGS="$SANITIZER_FLAGS -fno-omit-frame-pointer"])
  AC_SUBST([SANITIZER_FLAGS])
  AM_CONDITIONAL([SANITIZED], [test -n "$ragd_sanitizers"])
])
