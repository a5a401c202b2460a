# SPDX-License-Identifier: GPL-2.0-or-later
# What the folders' CMakeLists.txt are written with.

set(SIPSESSION_MODULE_DIR "${CMAKE_BINARY_DIR}/modules")
set(SIPSESSION_DAEMON "${CMAKE_BINARY_DIR}/daemon/sipsession")

# sipsession_room(NAME file.c ... [LIBS library ...]): a folder of src/ as the OBJECT library
# room_NAME. LIBS are what it needs besides PJSIP; whoever links the room gets them.
function(sipsession_room name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
  add_library(room_${name} OBJECT ${arg_UNPARSED_ARGUMENTS})
  target_include_directories(room_${name} PRIVATE "${CMAKE_SOURCE_DIR}/include" "${CMAKE_SOURCE_DIR}/src")
  target_compile_definitions(room_${name} PRIVATE _GNU_SOURCE SIPSESSION_VERSION="${PROJECT_VERSION}")
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
    SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS "${map}" INSTALL_RPATH "\$ORIGIN")
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
  set_property(GLOBAL APPEND PROPERTY SIPSESSION_PRODUCT module_${name})
  install(TARGETS module_${name} LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/sipsession/modules")
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
  set_property(GLOBAL APPEND PROPERTY SIPSESSION_PRODUCT sipsession_daemon)
  install(TARGETS sipsession_daemon RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()

# What every test runs with: a sanitizer's finding ends the test.
set(SIPSESSION_TEST_ENVIRONMENT
  "ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99:strict_string_checks=1"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=exitcode=99:second_deadlock_stack=1:suppressions=${CMAKE_SOURCE_DIR}/cmake/tsan.supp"
  "LSAN_OPTIONS=print_suppressions=0:suppressions=${CMAKE_SOURCE_DIR}/cmake/lsan.supp")

# sipsession_add_test(NAME [LABELS label ...] [TIMEOUT seconds] COMMAND command ...): a test of ctest. Its
# name begins with the variant, so that one ctest can run the tests of several builds.
function(sipsession_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABELS;COMMAND")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set(full "${SIPSESSION_VARIANT}.${name}")
  add_test(NAME ${full} COMMAND ${arg_COMMAND})
  set_tests_properties(${full} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${SIPSESSION_VARIANT};${arg_LABELS}"
    ENVIRONMENT "${SIPSESSION_TEST_ENVIRONMENT}")
endfunction()

# sipsession_unit_test(NAME SOURCES file.c ... ROOMS room ... [LIBS library ...]): a cmocka program that
# is linked with the rooms' objects, so that hidden functions are in reach.
function(sipsession_unit_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;ROOMS;LIBS")
  add_executable(unit_${name} ${arg_SOURCES})
  # visible: a library may want to link with what -Wl,--wrap puts in its place
  set_target_properties(unit_${name} PROPERTIES C_VISIBILITY_PRESET default
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
  sipsession_add_test(unit.${name} LABELS unit TIMEOUT 120 COMMAND unit_${name})
endfunction()

# sipsession_fuzzer(NAME SOURCES file.c ... ROOMS room ... CORPUS folder [DICT file]): a target of libFuzzer in the
# fuzz variant. In all variants, a test that gives it every file of the corpus: what was found once stays found.
function(sipsession_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS;DICT" "SOURCES;ROOMS;LIBS")
  add_executable(fuzz_${name} ${arg_SOURCES})
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/fuzz/bin")
  target_include_directories(fuzz_${name} PRIVATE "${CMAKE_SOURCE_DIR}/include" "${CMAKE_SOURCE_DIR}/src")
  target_compile_definitions(fuzz_${name} PRIVATE _GNU_SOURCE)
  foreach(room IN LISTS arg_ROOMS)
    target_link_libraries(fuzz_${name} PRIVATE room_${room})
  endforeach()
  target_link_libraries(fuzz_${name} PRIVATE sipsession-pj m ${CMAKE_DL_LIBS} ${arg_LIBS})
  sipsession_warnings(fuzz_${name})
  if(SIPSESSION_VARIANT STREQUAL "fuzz")
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    set(replay -runs=0)
  else()
    target_sources(fuzz_${name} PRIVATE "${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c")
    set(replay "")
  endif()
  sipsession_add_test(fuzz.${name} LABELS fuzz TIMEOUT 120 COMMAND fuzz_${name} ${replay} "${arg_CORPUS}")
endfunction()
