# SPDX-License-Identifier: GPL-2.0-or-later
# PJSIP, built by cmake/build-pjsip.sh into a cache that survives a clean build, and linked here into
# the one shared object that library, modules and programs use.
#   pjsip            headers and the flags that they need (SYSTEM: their warnings are not ours)
#   sipsession-pj    the shared object; links pjsip
#   pjsua-client     builds PJSIP's pjsua (stock settings): ${SIPSESSION_PJSUA}
#   pjsip-perf-stock builds PJSIP's pjsip-perf (stock settings): ${SIPSESSION_PJSIP_PERF}
include(ExternalProject)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(PJDEPS REQUIRED IMPORTED_TARGET libssl libcrypto opus libsrtp2 speexdsp uuid)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto>=3.0) # what res_sip hashes with
find_library(GSM_LIBRARY gsm REQUIRED)

set(PJSIP_DIR "${CMAKE_BINARY_DIR}/pjsip")
set(pjsip_libs pjsip-ua pjsip-simple pjsip pjmedia-codec pjmedia-videodev pjmedia-audiodev pjmedia
    pjnath pjlib-util pj)
list(TRANSFORM pjsip_libs PREPEND "${PJSIP_DIR}/lib/lib")
list(TRANSFORM pjsip_libs APPEND ".a")

string(REPLACE ";" " " pjsip_cflags "${variant_flags};-fPIC;-fno-semantic-interposition")
if(SIPSESSION_VARIANT MATCHES "^(debug|asan|tsan|fuzz)$")
  string(APPEND pjsip_cflags " -UNDEBUG")
endif()
if(SIPSESSION_VARIANT MATCHES "^(asan|fuzz)$")
  # PJSIP's empty strings are {NULL, 0}: copying nothing from NULL is everywhere in it, and harmless
  string(APPEND pjsip_cflags " -fno-sanitize=nonnull-attribute,pointer-overflow")
endif()
string(REPLACE ";" " " pjsip_ldflags "${variant_link}")
file(GLOB pjsip_patches CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/cmake/pjsip-patches/*.patch")

set(build_pjsip "${CMAKE_SOURCE_DIR}/cmake/build-pjsip.sh")
set(pjsip_recipe "${build_pjsip}" "${CMAKE_SOURCE_DIR}/cmake/fetch-pjsip.sh")

ExternalProject_Add(pjsip-build
  PREFIX "${CMAKE_BINARY_DIR}/pjsip-build"
  DOWNLOAD_COMMAND ""
  CONFIGURE_COMMAND ""
  BUILD_COMMAND ${CMAKE_COMMAND} -E env "CC=${CMAKE_C_COMPILER}" "PJSIP_CFLAGS=${pjsip_cflags}"
                "PJSIP_LDFLAGS=${pjsip_ldflags}" "${build_pjsip}" ${SIPSESSION_VARIANT} "${PJSIP_DIR}"
  # config_site.h too, so that whatever includes it waits for the new one and is compiled again
  BUILD_BYPRODUCTS ${pjsip_libs} "${PJSIP_DIR}/include/pj/config_site.h"
  INSTALL_COMMAND ""
  BUILD_IN_SOURCE OFF
  USES_TERMINAL_BUILD ON)
ExternalProject_Add_StepDependencies(pjsip-build build ${pjsip_recipe} ${pjsip_patches}
  "${CMAKE_SOURCE_DIR}/cmake/config_site.h")

add_library(pjsip INTERFACE)
add_dependencies(pjsip pjsip-build)
target_include_directories(pjsip SYSTEM INTERFACE "${PJSIP_DIR}/include")
target_compile_definitions(pjsip INTERFACE PJ_AUTOCONF=1)

# The shared object has no source of its own: all of PJSIP's archives.
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/generated/pj.c" CONTENT
"/* PJSIP's archives are linked whole into this shared object. */
extern int sipsession_pj_;
" @ONLY)
add_library(sipsession-pj SHARED "${CMAKE_BINARY_DIR}/generated/pj.c")
add_dependencies(sipsession-pj pjsip-build)
set_target_properties(sipsession-pj PROPERTIES VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS "${pjsip_libs}" INSTALL_RPATH "")
target_link_options(sipsession-pj PRIVATE -Wl,-Bsymbolic-functions -Wl,-z,defs)
if(SIPSESSION_VARIANT MATCHES "^(asan|tsan|fuzz)$" AND CMAKE_C_COMPILER_ID MATCHES "Clang")
  # clang links a sanitizer's runtime into the program only
  target_link_options(sipsession-pj PRIVATE -Wl,-z,undefs)
endif()
target_link_libraries(sipsession-pj
  PRIVATE -Wl,--whole-archive ${pjsip_libs} -Wl,--no-whole-archive
          PkgConfig::PJDEPS ${GSM_LIBRARY} Threads::Threads m
  PUBLIC pjsip)

# PJSIP's own programs, from the same source with PJSIP's own settings: an independent peer for the
# tests, and what bench/ compares with. Not part of `all`.
set(SIPSESSION_STOCK_DIR "${CMAKE_BINARY_DIR}/pjsip-stock")
set(SIPSESSION_PJSUA "${SIPSESSION_STOCK_DIR}/bin/pjsua")
set(SIPSESSION_PJSIP_PERF "${SIPSESSION_STOCK_DIR}/bin/pjsip-perf")
ExternalProject_Add(pjsip-stock-build
  PREFIX "${CMAKE_BINARY_DIR}/pjsip-stock-build"
  EXCLUDE_FROM_ALL ON
  DOWNLOAD_COMMAND ""
  CONFIGURE_COMMAND ""
  BUILD_COMMAND ${CMAKE_COMMAND} -E env CC=gcc "${build_pjsip}" stock "${SIPSESSION_STOCK_DIR}"
  BUILD_BYPRODUCTS "${SIPSESSION_PJSUA}" "${SIPSESSION_PJSIP_PERF}"
  INSTALL_COMMAND ""
  USES_TERMINAL_BUILD ON)
ExternalProject_Add_StepDependencies(pjsip-stock-build build ${pjsip_recipe})
add_custom_target(pjsua-client DEPENDS pjsip-stock-build)
add_custom_target(pjsip-perf-stock DEPENDS pjsip-stock-build)
