# The core may not allocate, throw, lock or call the system, and knows neither nginx nor
# HAProxy: it may import its own symbols, arithmetic, and the few others listed here.
# Everything else is an error, so that a new dependency is a decision.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${NM} -u ${LIBRARY} OUTPUT_VARIABLE symbols RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "nm failed")
endif()
set(allowed
  # memory and text
  memchr memcmp memcpy memmove memset strlen
  # arithmetic
  exp expf exp2 floor log logf log2 pow sqrt sqrtf
  # number to text and hash of a name, pure functions of libstdc++
  _ZSt8to_charsPcS_dSt12chars_formati _ZSt11_Hash_bytesPKvmm
  # text to address, a pure function of the C library
  inet_pton
  _GLOBAL_OFFSET_TABLE_ __stack_chk_fail)
string(REGEX MATCHALL " U [^\n]+" lines "${symbols}")
list(LENGTH lines count)
if(count EQUAL 0)
  message(FATAL_ERROR "nm printed no symbols: the test would pass for any library")
endif()
foreach(line IN LISTS lines)
  string(REPLACE " U " "" symbol "${line}")
  if(symbol MATCHES "^_Z.*9leastwise" OR symbol IN_LIST allowed)
    continue()
  endif()
  message(SEND_ERROR "the core imports ${symbol}")
endforeach()
