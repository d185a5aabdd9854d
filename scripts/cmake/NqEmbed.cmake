# nq_embed_files(<target> <name> <files...>): makes <name>.hpp and <name>.cpp that hold the files' bytes, one
# `extern const std::string_view k<Stem>` each ("page.css" is kPageCss, "chart.min.js" kChartMinJs).
function(nq_embed_files target name)
  set(header "${CMAKE_CURRENT_BINARY_DIR}/embedded/${name}.hpp")
  set(source "${CMAKE_CURRENT_BINARY_DIR}/embedded/${name}.cpp")
  add_custom_command(
    OUTPUT "${header}" "${source}"
    COMMAND "${CMAKE_COMMAND}" "-DHEADER=${header}" "-DSOURCE=${source}" "-DFILES=${ARGN}" -P "${PROJECT_SOURCE_DIR}/scripts/cmake/embed.cmake"
    DEPENDS ${ARGN} "${PROJECT_SOURCE_DIR}/scripts/cmake/embed.cmake"
    VERBATIM)
  target_sources(${target} PRIVATE "${source}" "${header}")
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/embedded")
endfunction()
