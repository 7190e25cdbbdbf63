# leastwise-companion: tells nginx and HAProxy which servers there are. A process and libraries of
# its own: the agent, which requests depend on, needs none of them.
find_package(CURL 7.85 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
add_library(leastwise_companion STATIC
  src/companion/companion.cc
  src/companion/file.cc
  src/companion/metrics.cc
  src/companion/names.cc
  src/companion/nginx_sharing.cc
  src/companion/pool.cc
  src/companion/settings.cc
  src/companion/status_port.cc
  src/discovery/dns/name.cc
  src/discovery/dns/resolver.cc
  src/discovery/kubernetes/access.cc
  src/discovery/kubernetes/kubeconfig.cc
  src/discovery/kubernetes/service.cc
  src/discovery/kubernetes/slices.cc
  src/discovery/kubernetes/zones.cc
  src/discovery/reconcile.cc
  src/discovery/targets.cc
  src/drive/agent_zones.cc
  src/drive/driver.cc
  src/drive/haproxy.cc
  src/drive/nginx.cc
  src/drive/nginx_pools.cc
  src/net/transfers.cc)
target_include_directories(leastwise_companion PUBLIC src)
target_link_libraries(leastwise_companion
  PUBLIC leastwise_agent_base leastwise_agent_http leastwise_share
  PRIVATE leastwise_flags nlohmann_json::nlohmann_json CURL::libcurl yaml-cpp PkgConfig::CARES resolv)

# Its command line, for it and for its manual.
add_library(leastwise_companion_options STATIC src/companion/options.cc)
target_include_directories(leastwise_companion_options PUBLIC src)
target_link_libraries(leastwise_companion_options PUBLIC CLI11::CLI11 PRIVATE leastwise_flags)
target_compile_definitions(leastwise_companion_options PRIVATE LEASTWISE_VERSION="${PROJECT_VERSION}")

add_executable(leastwise-companion src/companion/main.cc)
target_link_libraries(leastwise-companion PRIVATE leastwise_companion leastwise_companion_options leastwise_flags)
# GCC 12 sees a null pointer in CLI11's own templates.
set_source_files_properties(src/companion/main.cc src/companion/options.cc PROPERTIES COMPILE_OPTIONS -Wno-null-dereference)
install(TARGETS leastwise-companion RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT companion)
install(FILES ${PROJECT_SOURCE_DIR}/docs/man/leastwise-companion.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8 COMPONENT companion)
install(FILES ${PROJECT_SOURCE_DIR}/docs/man/leastwise-companion.conf.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 COMPONENT companion)
