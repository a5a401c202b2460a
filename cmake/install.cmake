# SPDX-License-Identifier: GPL-2.0-or-later
# cmake --install: the modules and the daemon install themselves (functions.cmake).
#   lib/libsipsession.so lib/libsipsession-pj.so lib/sipsession/modules/ lib/pkgconfig/sipsession.pc
#   include/sipsession/          our headers
#   include/sipsession/pj/       PJSIP's, with the config_site.h that all was compiled with
#   share/man share/doc/sipsession

install(TARGETS sipsession sipsession-pj LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY include/sipsession DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
install(DIRECTORY "${PJSIP_DIR}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/sipsession/pj")
install(FILES docs/sipsession.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
foreach(extra README.md examples docs)
  if(EXISTS "${CMAKE_SOURCE_DIR}/${extra}")
    if(IS_DIRECTORY "${CMAKE_SOURCE_DIR}/${extra}")
      install(DIRECTORY ${extra} DESTINATION "${CMAKE_INSTALL_DOCDIR}" PATTERN "*.1" EXCLUDE)
    else()
      install(FILES ${extra} DESTINATION "${CMAKE_INSTALL_DOCDIR}")
    endif()
  endif()
endforeach()

# Paths in the file are relative to its own place, so that --prefix at install time, or moving the
# whole tree, needs no new build.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(pc_prefix "\${pcfiledir}/${up}")
endif()
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/generated/sipsession.pc" @ONLY CONTENT
[[prefix=@pc_prefix@
libdir=${prefix}/@CMAKE_INSTALL_LIBDIR@
includedir=${prefix}/@CMAKE_INSTALL_INCLUDEDIR@
moduledir=${libdir}/sipsession/modules

Name: sipsession
Description: @PROJECT_DESCRIPTION@
Version: @PROJECT_VERSION@
Cflags: -I${includedir} -I${includedir}/sipsession/pj -DPJ_AUTOCONF=1 -D_DEFAULT_SOURCE
Libs: -L${libdir} -lsipsession -lsipsession-pj
]])
install(FILES "${CMAKE_BINARY_DIR}/generated/sipsession.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
