# RAGD_CHECK_FLAGS: warnings that the compiler knows, hidden visibility, --enable-werror; RAGD_HARDENING.
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
# RAGD_HARDENING: what makes a fault harder to use; after RAGD_SANITIZERS. HARDENED holds where all of it is on.
# Each is left out where the compiler, the processor or the flags of whoever builds cannot have it: checked
# copies need optimisation, and the sanitizers have checks of their own in place of them.
AC_DEFUN([RAGD_HARDENING], [
  AC_LANG_PUSH([C])
  ragd_hardened=no
  HARDENING_CPPFLAGS=
  HARDENING_CFLAGS=
  HARDENING_LDFLAGS=
  AS_IF([test -z "$ragd_sanitizers"], [
    ragd_save_CFLAGS=$CFLAGS
    ragd_save_LDFLAGS=$LDFLAGS
    for flag in -fstack-clash-protection -fcf-protection=full; do
      CFLAGS="$ragd_save_CFLAGS -Werror $flag"
      AC_MSG_CHECKING([whether $CC takes $flag])
      AC_COMPILE_IFELSE([AC_LANG_PROGRAM([])],
        [AC_MSG_RESULT([yes]); HARDENING_CFLAGS="$HARDENING_CFLAGS $flag"], [AC_MSG_RESULT([no])])
    done
    for flag in -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack; do
      CFLAGS=$ragd_save_CFLAGS
      LDFLAGS="$ragd_save_LDFLAGS $flag"
      AC_MSG_CHECKING([whether the linker takes $flag])
      AC_LINK_IFELSE([AC_LANG_PROGRAM([])],
        [AC_MSG_RESULT([yes]); HARDENING_LDFLAGS="$HARDENING_LDFLAGS $flag"], [AC_MSG_RESULT([no])])
    done
    LDFLAGS=$ragd_save_LDFLAGS
    CFLAGS="$ragd_save_CFLAGS -Werror"
    ragd_save_CPPFLAGS=$CPPFLAGS
    ragd_fortify="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"
    CPPFLAGS="$CPPFLAGS $ragd_fortify"
    AC_MSG_CHECKING([whether $CC with $CFLAGS takes $ragd_fortify])
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <string.h>
      #if __USE_FORTIFY_LEVEL < 3
      #error it does not
      #endif]])],
      [AC_MSG_RESULT([yes]); HARDENING_CPPFLAGS=$ragd_fortify; ragd_hardened=yes], [AC_MSG_RESULT([no])])
    CPPFLAGS=$ragd_save_CPPFLAGS
    CFLAGS=$ragd_save_CFLAGS])
  AC_SUBST([HARDENING_CPPFLAGS])
  AC_SUBST([HARDENING_CFLAGS])
  AC_SUBST([HARDENING_LDFLAGS])
  AM_CONDITIONAL([HARDENED], [test "x$ragd_hardened" = xyes])
  AC_LANG_POP([C])
])
