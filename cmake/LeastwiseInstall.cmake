# The library and its package; the module and the agent install themselves.
include(CMakePackageConfigHelpers)

install(TARGETS leastwise_core leastwise_public EXPORT leastwiseTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT leastwiseTargets NAMESPACE leastwise:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/leastwise)

write_basic_package_version_file(${PROJECT_BINARY_DIR}/leastwiseConfigVersion.cmake COMPATIBILITY SameMinorVersion)
file(WRITE ${PROJECT_BINARY_DIR}/leastwiseConfig.cmake "include(\${CMAKE_CURRENT_LIST_DIR}/leastwiseTargets.cmake)\n")
install(FILES ${PROJECT_BINARY_DIR}/leastwiseConfig.cmake ${PROJECT_BINARY_DIR}/leastwiseConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/leastwise)
