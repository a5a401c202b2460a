# SPDX-License-Identifier: GPL-2.0-or-later
# Variants of the build. Everything in one build directory, PJSIP too, is of one variant:
#   release  what is shipped
#   debug    asserts, no optimisation that hurts a debugger
#   asan     AddressSanitizer and UBSan; PJSIP's pools take each allocation from malloc
#   tsan     ThreadSanitizer, for the media threads
#   fuzz     clang with libFuzzer, ASan and UBSan

set(SIPSESSION_VARIANT release CACHE STRING "release, debug, asan, tsan or fuzz")
set_property(CACHE SIPSESSION_VARIANT PROPERTY STRINGS release debug asan tsan fuzz)
option(SIPSESSION_TESTS "Build the tests" ON)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# The variant sets all flags; CMake's build types would add theirs.
set(CMAKE_BUILD_TYPE "" CACHE STRING "Not used: see SIPSESSION_VARIANT" FORCE)

set(keep_frames -fno-omit-frame-pointer -fno-optimize-sibling-calls)
if(SIPSESSION_VARIANT STREQUAL "release")
  set(variant_flags -O2 -g -DNDEBUG)
  set(variant_link "")
  set(variant_own "")
elseif(SIPSESSION_VARIANT STREQUAL "debug")
  set(variant_flags -Og -g3 ${keep_frames})
  set(variant_link "")
  set(variant_own "")
elseif(SIPSESSION_VARIANT STREQUAL "asan")
  set(variant_flags -O1 -g ${keep_frames} -fsanitize=address,undefined)
  set(variant_link -fsanitize=address,undefined)
  # what UBSan finds in PJSIP is told, what it finds in our own code ends the program
  set(variant_own -fno-sanitize-recover=undefined)
elseif(SIPSESSION_VARIANT STREQUAL "tsan")
  set(variant_flags -O1 -g ${keep_frames} -fsanitize=thread)
  set(variant_link -fsanitize=thread)
  set(variant_own "")
elseif(SIPSESSION_VARIANT STREQUAL "fuzz")
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "The fuzz variant needs clang: use the preset, or -DCMAKE_C_COMPILER=clang")
  endif()
  set(variant_flags -O1 -g ${keep_frames} -fsanitize=fuzzer-no-link,address,undefined)
  set(variant_link -fsanitize=address,undefined)
  set(variant_own -fno-sanitize-recover=undefined)
else()
  message(FATAL_ERROR "SIPSESSION_VARIANT=${SIPSESSION_VARIANT}: not one of release debug asan tsan fuzz")
endif()

add_compile_options(${variant_flags})
add_link_options(${variant_link})

# sipsession_warnings(TARGET): how our own code is compiled
function(sipsession_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wvla -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wpointer-arith -Werror ${variant_own})
endfunction()
