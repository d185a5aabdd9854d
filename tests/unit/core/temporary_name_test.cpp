#include "core/temporary_name.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "core/files.hpp"
#include "nq/interrupt.hpp"
#include "support/temp_dir.hpp"

namespace nq {

TEST_CASE("an end of the process takes unfinished files along and no others", "[core]") {
  const test::TempDir folder;
  folder.write("a", "old");
  std::vector<std::unique_ptr<AtomicFile>> open;
  for (int file = 0; file < 12; ++file) open.push_back(std::make_unique<AtomicFile>(folder / "a"));
  CHECK(folder.names().size() == 13);
  remove_temporary_files();
  CHECK(folder.names() == std::vector<std::string>{"a"});
  open.clear();
  write_file_atomically(folder / "a", "new");
  remove_temporary_files();
  CHECK(test::slurp(folder / "a") == "new");
}

TEST_CASE("more temporary files than the process can remember", "[core]") {
  const test::TempDir folder;
  std::vector<std::unique_ptr<AtomicFile>> open;
  for (int file = 0; file < 40; ++file) open.push_back(std::make_unique<AtomicFile>(folder / ("f" + std::to_string(file))));
  for (const auto& file : open) {
    file->write("x");
    file->commit();
  }
  open.clear();
  CHECK(folder.names().size() == 40);
}

TEST_CASE("temporary names are told from others", "[core]") {
  const test::TempDir folder;
  const TemporaryName name((folder / "q.onnx").string());
  CHECK(TemporaryName::matches(folder.names().front()));
  ::close(name.fd());
  CHECK_FALSE(TemporaryName::matches("q.onnx"));
  CHECK_FALSE(TemporaryName::matches("q.nqcli-long-name"));
  CHECK_FALSE(TemporaryName::matches(".nqcli-abcdef"));
}

}  // namespace nq
