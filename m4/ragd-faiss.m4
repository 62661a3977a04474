# RAGD_FAISS: FAISS and OpenBLAS, unless --without-faiss.
AC_DEFUN([RAGD_FAISS], [
  ragd_faiss_c=yes
  ragd_faiss_text="no: vectors are searched in plain C"
  AS_IF([test "$with_faiss" = yes], [
    PKG_CHECK_MODULES([OPENBLAS], [openblas])
    RAGD_FAISS_FIND])
  AC_SUBST([FAISS_LIBS])
  AM_CONDITIONAL([OWN_FAISS_C], [test "$ragd_faiss_c" = no])
])

# RAGD_FAISS_FIND: the C API of FAISS. A system libfaiss_c where there is one; else the functions we use are
# built from retrieval/index/faiss_c.cpp over libfaiss.a, which is what Debian ships.
AC_DEFUN([RAGD_FAISS_FIND], [
  AC_CHECK_HEADER([faiss/c_api/Index_c.h], [], [AC_MSG_ERROR([faiss/c_api/Index_c.h is missing (libfaiss-dev)])])
  ragd_save_LIBS=$LIBS
  AC_CHECK_LIB([faiss_c], [faiss_index_factory], [ragd_faiss_c=yes], [ragd_faiss_c=no])
  LIBS=$ragd_save_LIBS
  AS_IF([test "$ragd_faiss_c" = yes], [
    FAISS_LIBS="-lfaiss_c"
    ragd_faiss_text="system libfaiss_c"
  ], [
    AC_LANG_PUSH([C++])
    LIBS="-lfaiss -lopenblas -lgomp $LIBS" # gcc built it, whatever builds us
    AC_LINK_IFELSE([AC_LANG_PROGRAM([#include <faiss/IndexFlat.h>], [faiss::IndexFlatIP ix(4); return ix.ntotal;])],
      [], [AC_MSG_ERROR([libfaiss.a is missing or does not link (libfaiss-dev)])])
    LIBS=$ragd_save_LIBS
    AC_LANG_POP([C++])
    FAISS_LIBS="-lfaiss -lgomp -lstdc++"
    ragd_faiss_text="own C API over libfaiss.a"
  ])
])
