# One INTERFACE target carries the flags of every nqcli target. Mixing -march or floating-point
# flags between objects that instantiate Eigen would break the one-definition rule.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(NQ_CCACHE ccache)
if(NQ_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${NQ_CCACHE}")
endif()

add_library(nq_build_flags INTERFACE)
target_compile_features(nq_build_flags INTERFACE cxx_std_20)
# Contraction off: a product-sum is fused only where a kernel says std::fma, so results do not
# depend on what the compiler chose to fuse.
target_compile_options(nq_build_flags INTERFACE
  -fno-fast-math -ffp-contract=off -fvisibility=hidden
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  # GCC 12 reports overlapping copies inside std::string that cannot happen (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
target_compile_definitions(nq_build_flags INTERFACE EIGEN_DONT_PARALLELIZE)
if(NQ_ARCH)
  target_compile_options(nq_build_flags INTERFACE "-march=${NQ_ARCH}")
endif()
if(NQ_WERROR)
  target_compile_options(nq_build_flags INTERFACE -Werror)
endif()
if(NQ_SANITIZE)
  target_compile_options(nq_build_flags INTERFACE "-fsanitize=${NQ_SANITIZE}" -fno-omit-frame-pointer)
  target_link_options(nq_build_flags INTERFACE "-fsanitize=${NQ_SANITIZE}")
endif()
