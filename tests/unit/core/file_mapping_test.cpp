#include "core/file_mapping.hpp"

#include <catch2/catch.hpp>

#include "core/files.hpp"
#include "support/errors.hpp"
#include "support/temp_dir.hpp"

using namespace nq;

TEST_CASE("a mapped file shows its bytes, also after its pages were forgotten", "[core]") {
  const test::TempDir folder;
  std::string content(3 * 4096 + 17, 'a');
  content[5000] = 'b';
  const FileMapping mapping(folder.write("weights", content));
  const auto text = [&] {
    return std::string(reinterpret_cast<const char*>(mapping.bytes().data()), mapping.bytes().size());
  };
  CHECK(text() == content);
  forget_file_pages(mapping.bytes());
  CHECK(text() == content);
}

TEST_CASE("memory that is no mapped file is never forgotten", "[core]") {
  const std::vector<std::byte> memory(1 << 16, std::byte{7});
  forget_file_pages(memory);
  CHECK(std::all_of(memory.begin(), memory.end(), [](std::byte value) { return value == std::byte{7}; }));
}

TEST_CASE("what cannot be mapped is refused by name", "[core]") {
  const test::TempDir folder;
  CHECK(FileMapping(folder.write("empty", "")).bytes().empty());
  CHECK_ERROR(FileMapping(folder / "absent"), input, "absent");
  CHECK_ERROR(FileMapping(folder / ""), input, "not a regular file");
  CHECK_ERROR(FileMapping(folder.write("large", "12345"), 4), resource, "more than the limit of 4");
}

TEST_CASE("an atomic file that is not committed leaves nothing behind", "[core]") {
  const test::TempDir folder;
  {
    AtomicFile file(folder / "out");
    file.write("part");
  }
  CHECK(std::filesystem::is_empty(folder / ""));
  AtomicFile file(folder / "out");
  file.write("who");
  file.write("le");
  file.commit();
  CHECK(read_file(folder / "out") == "whole");
}
