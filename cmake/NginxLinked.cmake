# leastwise_add_linked_module(MODULE LIBRARIES static-lib...)
#
# For nginx's --add-module: beside the loadable MODULE the target MODULE_object makes MODULE.o, the
# same code as one object file in which only the module itself can be seen from outside. So nginx
# links it like its own, and two modules that contain the core do not share its statics.
function(leastwise_add_linked_module module)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "LIBRARIES")
  list(TRANSFORM ARG_LIBRARIES REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE archives)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${module}.o)
  set(link ${CMAKE_CXX_COMPILER} -r -nostdlib -O2 -fPIC)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # A symbol that is unique to the process can not be hidden, whether made now or by a library.
    list(APPEND link -flinker-output=nolto-rel -fno-gnu-unique)
  endif()
  foreach(library IN LISTS ARG_LIBRARIES)
    target_compile_options(${library} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  endforeach()
  # Groups (of templates and inline functions) are resolved now, since they would be found by
  # names that are not to be seen any more.
  add_custom_command(OUTPUT ${object}
    COMMAND ${link} -Wl,--force-group-allocation $<TARGET_OBJECTS:${module}> ${archives}
            -o ${object}
    COMMAND ${CMAKE_OBJCOPY} --keep-global-symbol=${module} ${object}
    DEPENDS ${module} ${ARG_LIBRARIES}
    COMMENT "Linking ${module}.o" COMMAND_EXPAND_LISTS VERBATIM)
  add_custom_target(${module}_object DEPENDS ${object})
endfunction()
