# RAGD_CHECK_FLAGS: warnings that the compiler knows, hidden visibility, --enable-werror.
AC_DEFUN([RAGD_TRY_CFLAG], [
  ragd_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -Werror $1"
  AC_MSG_CHECKING([whether $CC takes $1])
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([])],
    [AC_MSG_RESULT([yes]); RAGD_CFLAGS="$RAGD_CFLAGS $1"], [AC_MSG_RESULT([no])])
  CFLAGS=$ragd_save_CFLAGS
])
AC_DEFUN([RAGD_CHECK_FLAGS], [
  AC_LANG_PUSH([C])
  RAGD_CFLAGS="-std=c11 -fvisibility=hidden"
  RAGD_CXXFLAGS="-std=c++17 -fvisibility=hidden"
  for flag in -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes \
              -Wwrite-strings -Wvla -Wformat=2 -Wno-format-nonliteral -fno-common \
              -fstack-protector-strong; do
    RAGD_TRY_CFLAG([$flag])
  done
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [warnings are errors (used in CI)])])
  ragd_werror_text="on"
  AS_IF([test "x$enable_werror" = xyes], [
    RAGD_CFLAGS="$RAGD_CFLAGS -Werror"
    RAGD_CXXFLAGS="$RAGD_CXXFLAGS -Werror"
    ragd_werror_text="errors"])
  RAGD_CC_VERSION=`$CC -dumpfullversion -dumpversion 2>/dev/null`
  AC_SUBST([RAGD_CFLAGS])
  AC_SUBST([RAGD_CXXFLAGS])
  AC_LANG_POP([C])
])
