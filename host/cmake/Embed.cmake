# acp_embed(<target> <file> <symbol>): the bytes of <file> become part of
# <target>; #include "embed/<symbol>.h" declares the accessor
#   std::string_view acp::embed::<symbol>() noexcept;
# The assembler copies the file, so a large one costs no compile time and no
# quoting. Editing the file rebuilds the target.
include_guard(GLOBAL)

function(acp_embed target file symbol)
  if(NOT symbol MATCHES "^[a-z][a-z0-9_]*$")
    message(FATAL_ERROR "acp_embed: '${symbol}' is not a C++ identifier in lower case")
  endif()
  get_filename_component(path ${file} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  if(NOT EXISTS ${path})
    message(FATAL_ERROR "acp_embed: there is no file ${path}")
  endif()
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/acp-embed)
  set(source ${folder}/embed/${symbol}.S)
  set(begin acp_embedded_${symbol}_begin)
  set(end acp_embedded_${symbol}_end)

  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
    .section .rodata
    .global @begin@
    .global @end@
    .balign 16
@begin@:
    .incbin "@path@"
@end@:
    .byte 0
    .section .note.GNU-stack,"",%progbits
]])
  file(CONFIGURE OUTPUT ${folder}/embed/${symbol}.h @ONLY CONTENT [[
// Written by acp_embed from @file@.
#pragma once

#include <cstddef>
#include <string_view>

extern "C" const char @begin@[];
extern "C" const char @end@[];

namespace acp::embed {

inline std::string_view @symbol@() noexcept {
    return {@begin@, static_cast<std::size_t>(@end@ - @begin@)};
}

}  // namespace acp::embed
]])
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${path})
  target_sources(${target} PRIVATE ${source})
  target_include_directories(${target} PRIVATE ${folder})
endfunction()
