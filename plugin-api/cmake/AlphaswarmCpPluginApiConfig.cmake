include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/AlphaswarmCpPluginApiTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/AcpAddPlugin.cmake)
