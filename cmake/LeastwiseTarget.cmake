# What every target of ours has in common, as an interface target rather than as
# global flags: it does not leak into a project that embeds us.
add_library(leastwise_flags INTERFACE)
target_compile_features(leastwise_flags INTERFACE cxx_std_20)
target_compile_options(leastwise_flags INTERFACE
  -Wall -Wextra -Wshadow -Wnull-dereference
  "$<$<COMPILE_LANGUAGE:CXX>:-Wconversion;-Wsign-conversion;-Wold-style-cast;-Wnon-virtual-dtor>"
  "$<$<COMPILE_LANGUAGE:CXX>:-fvisibility=hidden;-fvisibility-inlines-hidden>"
  $<$<BOOL:${LEASTWISE_WERROR}>:-Werror>)
if(LEASTWISE_SANITIZE)
  target_compile_options(leastwise_flags INTERFACE
    -fsanitize=${LEASTWISE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    -g1)  # reports name functions and lines by it
  if(LEASTWISE_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # It does not know fences; what ours order are atomics, which it takes for no race anyway.
    target_compile_options(leastwise_flags INTERFACE -Wno-tsan)
  endif()
  target_link_options(leastwise_flags INTERFACE -fsanitize=${LEASTWISE_SANITIZE})
endif()
if(LEASTWISE_FUZZ)
  # Instrument everything; only the fuzzers themselves link libFuzzer's main().
  target_compile_options(leastwise_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(leastwise_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
