# acp_add_plugin(<name> SOURCES <files...> [LIBRARIES <targets...>])
#
# Makes <name>.so with the flags that the ABI policy asks for: everything
# hidden but the entry symbol, no unique symbols, no unresolved ones, bound at
# load time, never unloaded, and no symbol of a static library let through.
function(acp_add_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "acp_add_plugin(${name}): SOURCES is missing")
  endif()
  set(exports ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin-exports.map)
  add_library(${name} MODULE ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} SUFFIX .so
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON
    LINK_DEPENDS ${exports})
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:$<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>>)
  target_link_options(${name} PRIVATE
    -Wl,-z,now,-z,nodelete -Wl,--exclude-libs,ALL
    -Wl,--version-script=${exports})
  # A sanitizer leaves its runtime's symbols to the executable.
  if(NOT ACP_SANITIZE)
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  target_link_libraries(${name} PRIVATE acp::plugin-sdk ${arg_LIBRARIES})
  # For checks over all plugins of a project.
  set_property(GLOBAL APPEND PROPERTY ACP_PLUGINS ${name})
endfunction()
