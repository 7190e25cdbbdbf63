find_package(GTest REQUIRED)
include(GoogleTest)

set(LEASTWISE_TESTS_DIR ${PROJECT_SOURCE_DIR}/tests)

# leastwise_add_test(PATH [LTO] [SERIAL] [LABEL label] [LIBRARIES lib...])
# PATH is relative to tests/ and mirrors the tree: core/pool tests core/**/pool.
# LTO: a library is built for link time optimisation alone. SERIAL: ctest runs nothing beside it.
function(leastwise_add_test path)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "LTO;SERIAL" "LABEL" "LIBRARIES")
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  string(REPLACE "/" "." name ${path})
  add_executable(${name}_test ${LEASTWISE_TESTS_DIR}/${path}_test.cc)
  target_link_libraries(${name}_test PRIVATE ${ARG_LIBRARIES} leastwise_flags GTest::gtest_main)
  target_include_directories(${name}_test PRIVATE ${LEASTWISE_TESTS_DIR})
  # The tests themselves need no more: it halves what they take to compile.
  target_compile_options(${name}_test PRIVATE $<$<NOT:$<CONFIG:Debug>>:-O1;-g1>)
  if(NOT ARG_LTO AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_link_options(${name}_test PRIVATE -fno-lto)  # the core's objects are both; this is quick
  endif()
  gtest_discover_tests(${name}_test TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 120 RUN_SERIAL ${ARG_SERIAL})
endfunction()

# leastwise_add_fuzzer(NAME LIBRARIES lib...)
# Without LEASTWISE_FUZZ the fuzzer becomes a test that replays its corpus, so that it
# is built, kept alive by refactoring, and run by every compiler.
function(leastwise_add_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "LIBRARIES")
  set(corpus ${LEASTWISE_TESTS_DIR}/fuzz/corpus/${name})
  add_executable(${name}_fuzz ${LEASTWISE_TESTS_DIR}/fuzz/${name}_fuzz.cc)
  target_link_libraries(${name}_fuzz PRIVATE ${ARG_LIBRARIES} leastwise_flags)
  target_include_directories(${name}_fuzz PRIVATE ${LEASTWISE_TESTS_DIR})
  if(LEASTWISE_FUZZ)
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    # libFuzzer writes what it finds into the first folder: keep the sources clean.
    file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/fuzz/${name})
    set(run ${name}_fuzz -runs=20000 ${CMAKE_CURRENT_BINARY_DIR}/fuzz/${name} ${corpus})
  else()
    target_sources(${name}_fuzz PRIVATE ${LEASTWISE_TESTS_DIR}/fuzz/replay_main.cc)
    set(run ${name}_fuzz ${corpus})
  endif()
  add_test(NAME fuzz.${name} COMMAND ${run})
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()
