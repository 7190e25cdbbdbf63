# Finds the nginx sources and configures them out of tree, so that a module built
# here has the signature of the nginx it will be loaded into.
#
#   NGINX_SOURCE_DIR  has auto/, src/ and configure. Default: nginx-dev's.
#   NGINX_CONFIGURE_FLAGS  default: those the package was built with, else --with-compat.
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
  elseif(EXISTS ${NGINX_SOURCE_DIR}/conf_flags)  # Debian's: NGX_CONF_FLAGS=( ... )
    file(READ ${NGINX_SOURCE_DIR}/conf_flags text)
    string(REGEX REPLACE "^[^(]*\\((.*)\\).*$" "\\1" text "${text}")
    separate_arguments(flags UNIX_COMMAND "${text}")
  else()
    set(flags --with-compat --with-threads)
  endif()
  if(EXISTS ${NGINX_SOURCE_DIR}/configure)
    set(configure ${NGINX_SOURCE_DIR}/configure)
  else()
    set(configure ${NGINX_SOURCE_DIR}/auto/configure)  # a checkout of the repository
  endif()
  message(STATUS "Configuring nginx ${NGINX_VERSION} headers in ${objs}")
  file(MAKE_DIRECTORY ${objs})
  execute_process(COMMAND ${configure} --builddir=${objs} ${flags}
                  WORKING_DIRECTORY ${NGINX_SOURCE_DIR}
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
