# Finds the nginx sources and configures them out of tree, so that a module built
# here has the signature of the nginx it will be loaded into. Nothing is written to the
# sources: nginx's configure leaves a Makefile where it is started, which may be the one
# that their owner builds with, so it is started in a folder of links to them.
#
#   NGINX_SOURCE_DIR  has auto/, src/ and configure. Default: nginx-dev's.
#   NGINX_CONFIGURE_FLAGS  default: those the package was built with, else --with-compat.
#                          Paths in it are absolute.
#
# Defines the target Nginx::headers and the variable NGINX_MODULES_DIR.
set(NGINX_SOURCE_DIR "/usr/share/nginx/src" CACHE PATH "nginx source tree")
set(NGINX_CONFIGURE_FLAGS "" CACHE STRING "flags for nginx's configure")
set(NGINX_MODULES_DIR "${CMAKE_INSTALL_LIBDIR}/nginx/modules" CACHE STRING "where nginx looks for modules")

find_path(NGINX_CORE_H ngx_core.h PATHS ${NGINX_SOURCE_DIR}/src/core NO_DEFAULT_PATH)
if(NGINX_CORE_H)
  file(STRINGS ${NGINX_SOURCE_DIR}/src/core/nginx.h line REGEX "define NGINX_VERSION ")
  string(REGEX MATCH "[0-9.]+" NGINX_VERSION "${line}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Nginx REQUIRED_VARS NGINX_CORE_H VERSION_VAR NGINX_VERSION)
if(NOT Nginx_FOUND OR TARGET Nginx::headers)
  return()
endif()

# Configuring takes seconds: do it once per source tree, version and set of flags.
set(objs ${PROJECT_BINARY_DIR}/nginx_objs)
set(key "${NGINX_SOURCE_DIR} ${NGINX_VERSION} ${NGINX_CONFIGURE_FLAGS}")
set(old_key "")
if(EXISTS ${objs}/leastwise_key)
  file(READ ${objs}/leastwise_key old_key)
endif()
if(NOT old_key STREQUAL key)
  if(NGINX_CONFIGURE_FLAGS)
    separate_arguments(flags UNIX_COMMAND "${NGINX_CONFIGURE_FLAGS}")
  elseif(EXISTS ${NGINX_SOURCE_DIR}/conf_flags)
    # Debian's: NGX_CONF_FLAGS=( ... ) for bash, since 1.30 with commands of dpkg-dev in it.
    execute_process(COMMAND bash -ec ". ./conf_flags; printf '%s\\n' \"\${NGX_CONF_FLAGS[@]}\""
                    WORKING_DIRECTORY ${NGINX_SOURCE_DIR}
                    OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE
                    ERROR_VARIABLE error RESULT_VARIABLE result)
    if(result OR error MATCHES "not found")
      message(FATAL_ERROR "${NGINX_SOURCE_DIR}/conf_flags can not be read by bash: ${error}"
                          "If it asks for dpkg-buildflags or dpkg-architecture: apt-get install dpkg-dev")
    endif()
    string(REPLACE "\n" ";" flags "${flags}")
  else()
    set(flags --with-compat --with-threads)
  endif()
  message(STATUS "Configuring nginx ${NGINX_VERSION} headers in ${objs}")
  file(REMOVE_RECURSE ${objs}/sources)
  file(MAKE_DIRECTORY ${objs}/sources)
  # A checkout of the repository has no configure of its own at the top.
  foreach(name IN ITEMS auto configure contrib src)
    if(EXISTS ${NGINX_SOURCE_DIR}/${name})
      file(CREATE_LINK ${NGINX_SOURCE_DIR}/${name} ${objs}/sources/${name} SYMBOLIC)
    endif()
  endforeach()
  find_program(NGINX_CONFIGURE configure PATHS ${objs}/sources ${objs}/sources/auto
               NO_DEFAULT_PATH NO_CACHE REQUIRED)
  execute_process(COMMAND ${NGINX_CONFIGURE} --builddir=${objs} ${flags}
                  WORKING_DIRECTORY ${objs}/sources
                  OUTPUT_FILE ${objs}/configure.log ERROR_FILE ${objs}/configure.log
                  RESULT_VARIABLE result)
  if(result)
    message(FATAL_ERROR "nginx configure failed, see ${objs}/configure.log")
  endif()
  file(WRITE ${objs}/leastwise_key "${key}")
endif()

add_library(Nginx::headers INTERFACE IMPORTED)
target_include_directories(Nginx::headers SYSTEM INTERFACE ${objs})
foreach(dir IN ITEMS core event event/modules event/quic os/unix
                     http http/modules http/v2 http/v3 stream)
  if(IS_DIRECTORY ${NGINX_SOURCE_DIR}/src/${dir})  # versions and packages differ
    target_include_directories(Nginx::headers SYSTEM INTERFACE ${NGINX_SOURCE_DIR}/src/${dir})
  endif()
endforeach()
