# Every dependency is a Debian package (scripts/install_deps.sh) found through find_package.
find_package(Protobuf REQUIRED)
find_package(ONNX REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
if(NQ_BUILD_TESTS OR NQ_BUILD_BENCH)
  find_package(Catch2 2.13 REQUIRED)
endif()

find_path(NQ_STB_INCLUDE_DIR stb_image.h PATH_SUFFIXES stb REQUIRED)
add_library(nq_stb INTERFACE)
target_include_directories(nq_stb SYSTEM INTERFACE "${NQ_STB_INCLUDE_DIR}")

find_package(PkgConfig REQUIRED)
pkg_check_modules(NQ_CAIRO REQUIRED IMPORTED_TARGET cairo)
add_library(nq_cairo INTERFACE)
target_link_libraries(nq_cairo INTERFACE PkgConfig::NQ_CAIRO)

find_file(NQ_CHART_JS chart.min.js PATHS /usr/share/javascript/chart.js NO_DEFAULT_PATH REQUIRED)
