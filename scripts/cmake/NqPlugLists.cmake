# Plug lists: one line adds a source file and its entry in the generated registry, so nothing
# depends on self-registering statics that a static link may drop.
#
#   nq_plug_list(<target> <list> <header> <function-prefix> <argument-type> <names...>)
#
# For each name, <name>.cpp must define `void <prefix><name>(<argument-type>&)`. The generated
# file defines `void <list>(<argument-type>&)` that calls them in the order given.
function(nq_plug_list target list header prefix argument)
  set(declarations "")
  set(calls "")
  foreach(name IN LISTS ARGN)
    target_sources(${target} PRIVATE "${name}.cpp")
    string(APPEND declarations "void ${prefix}${name}(${argument}&);\n")
    string(APPEND calls "  ${prefix}${name}(argument);\n")
  endforeach()
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/${list}.cpp")
  file(CONFIGURE OUTPUT "${generated}" @ONLY CONTENT
"// Generated from CMakeLists.txt by nq_plug_list.
#include \"${header}\"

namespace nq {

${declarations}
void ${list}(${argument}& argument);
void ${list}(${argument}& argument) {
${calls}}

}  // namespace nq
")
  target_sources(${target} PRIVATE "${generated}")
endfunction()
