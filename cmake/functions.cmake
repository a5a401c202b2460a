# SPDX-License-Identifier: GPL-2.0-or-later
# What the folders' CMakeLists.txt are written with.

set(SIPSESSION_MODULE_DIR "${CMAKE_BINARY_DIR}/modules")
set(SIPSESSION_DAEMON "${CMAKE_BINARY_DIR}/daemon/sipsession")

# sipsession_room(NAME file.c ... [LIBS library ...]): a folder of src/ as the OBJECT library
# room_NAME. LIBS are what it needs besides PJSIP; whoever links the room gets them.
function(sipsession_room name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
  set(files "")
  foreach(file IN LISTS arg_UNPARSED_ARGUMENTS)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
      list(APPEND files "${file}")
    else()
      message(WARNING "room ${name}: ${file} is in the list, but not in the folder")
    endif()
  endforeach()
  if(NOT files)
    file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/generated/room_${name}.c" CONTENT
         "typedef int room_without_sources;\n" @ONLY)
    set(files "${CMAKE_BINARY_DIR}/generated/room_${name}.c")
  endif()
  add_library(room_${name} OBJECT ${files})
  target_include_directories(room_${name} PRIVATE "${CMAKE_SOURCE_DIR}/include" "${CMAKE_SOURCE_DIR}/src")
  target_compile_definitions(room_${name} PRIVATE _GNU_SOURCE)
  target_link_libraries(room_${name} PUBLIC pjsip Threads::Threads ${arg_LIBS})
  sipsession_warnings(room_${name})
endfunction()

# sipsession_library(): libsipsession.so from all rooms; only what the symbol map names is visible
function(sipsession_library)
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/generated/sipsession.c" CONTENT
       "typedef int all_is_in_the_rooms;\n" @ONLY)
  add_library(sipsession SHARED "${CMAKE_BINARY_DIR}/generated/sipsession.c")
  set(map "${CMAKE_SOURCE_DIR}/cmake/libsipsession.map")
  set_target_properties(sipsession PROPERTIES VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS "${map}")
  target_include_directories(sipsession INTERFACE "${CMAKE_SOURCE_DIR}/include")
  target_link_options(sipsession PRIVATE "-Wl,--version-script=${map}" -Wl,-Bsymbolic-functions -Wl,-z,defs)
  if(SIPSESSION_VARIANT MATCHES "^(asan|tsan|fuzz)$" AND CMAKE_C_COMPILER_ID MATCHES "Clang")
    target_link_options(sipsession PRIVATE -Wl,-z,undefs)
  endif()
  target_link_libraries(sipsession PUBLIC sipsession-pj PRIVATE m ${CMAKE_DL_LIBS})
  foreach(room IN LISTS SIPSESSION_ROOMS)
    if(TARGET room_${room})
      target_link_libraries(sipsession PRIVATE room_${room})
    endif()
  endforeach()
endfunction()

# sipsession_module(NAME file.c ...): a loadable module. It sees the installed headers only.
function(sipsession_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
  add_library(module_${name} MODULE ${arg_UNPARSED_ARGUMENTS})
  set_target_properties(module_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY "${SIPSESSION_MODULE_DIR}" INSTALL_RPATH "\$ORIGIN/../..")
  target_compile_definitions(module_${name} PRIVATE _GNU_SOURCE)
  target_link_libraries(module_${name} PRIVATE sipsession ${arg_LIBS})
  sipsession_warnings(module_${name})
  set_property(GLOBAL APPEND PROPERTY SIPSESSION_MODULES module_${name})
endfunction()

# sipsession_daemon(file.c ...): the program. It uses the library as anybody would: ast_ functions.
function(sipsession_daemon)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "LIBS")
  add_executable(sipsession_daemon ${arg_UNPARSED_ARGUMENTS})
  set_target_properties(sipsession_daemon PROPERTIES OUTPUT_NAME sipsession
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/daemon" INSTALL_RPATH "\$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  target_compile_definitions(sipsession_daemon PRIVATE _GNU_SOURCE SIPSESSION_VERSION="${PROJECT_VERSION}")
  target_link_libraries(sipsession_daemon PRIVATE sipsession ${arg_LIBS})
  sipsession_warnings(sipsession_daemon)
endfunction()

# What every test runs with: a sanitizer's finding ends the test.
set(SIPSESSION_TEST_ENVIRONMENT
  "ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99:strict_string_checks=1"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=exitcode=99:second_deadlock_stack=1:suppressions=${CMAKE_SOURCE_DIR}/cmake/tsan.supp"
  "LSAN_OPTIONS=print_suppressions=0:suppressions=${CMAKE_SOURCE_DIR}/cmake/lsan.supp")

# sipsession_unit_test(NAME SOURCES file.c ... ROOMS room ... [LIBS library ...]): a cmocka program that
# is linked with the rooms' objects, so that hidden functions are in reach.
function(sipsession_unit_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;ROOMS;LIBS")
  add_executable(unit_${name} ${arg_SOURCES})
  set_target_properties(unit_${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/unit/bin")
  target_include_directories(unit_${name} PRIVATE "${CMAKE_SOURCE_DIR}/include" "${CMAKE_SOURCE_DIR}/src"
    "${CMAKE_CURRENT_SOURCE_DIR}")
  target_compile_definitions(unit_${name} PRIVATE _GNU_SOURCE
    SIPSESSION_SOURCE_DIR="${CMAKE_SOURCE_DIR}" SIPSESSION_BINARY_DIR="${CMAKE_BINARY_DIR}")
  foreach(room IN LISTS arg_ROOMS)
    target_link_libraries(unit_${name} PRIVATE room_${room})
  endforeach()
  target_link_libraries(unit_${name} PRIVATE sipsession-pj PkgConfig::CMOCKA m ${CMAKE_DL_LIBS} ${arg_LIBS})
  sipsession_warnings(unit_${name})
  add_test(NAME unit.${name} COMMAND unit_${name})
  set_tests_properties(unit.${name} PROPERTIES TIMEOUT 120 LABELS unit
    ENVIRONMENT "${SIPSESSION_TEST_ENVIRONMENT}")
endfunction()
