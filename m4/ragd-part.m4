# RAGD_PART(NAME, WHAT): --without-NAME leaves out what a small installation may not want. WITH_NAME is a
# conditional for makefiles and a macro, 0 or 1, in config.h; $with_NAME is yes or no.
AC_DEFUN([RAGD_PART], [
  AC_ARG_WITH([$1], [AS_HELP_STRING([--without-$1], [leave out $2])], [], [with_$1=yes])
  AS_CASE([$with_$1], [yes|no], [], [AC_MSG_ERROR([--with-$1 takes yes or no, not '$with_$1'])])
  AM_CONDITIONAL([WITH_]m4_toupper([$1]), [test "$with_$1" = yes])
  AS_IF([test "$with_$1" = yes], [ragd_part=1], [ragd_part=0])
  AC_DEFINE_UNQUOTED([WITH_]m4_toupper([$1]), [$ragd_part], [1: not --without-$1])
])
