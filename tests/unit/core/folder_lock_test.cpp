#include "core/folder_lock.hpp"

#include <catch2/catch.hpp>
#include <optional>

#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace nq {

TEST_CASE("a folder has one holder at a time", "[core]") {
  const test::TempDir folder;
  const auto held = folder / "state";
  {
    const FolderLock lock(held);
    CHECK(std::filesystem::exists(held / FolderLock::kName));
    CHECK_ERROR(FolderLock(held), input, "in use by another process");
  }
  const FolderLock again(held);
}

TEST_CASE("folders that cannot be made or locked are refused by name", "[core]") {
  const test::TempDir folder;
  CHECK_ERROR(FolderLock(folder / "missing/state"), input, "missing/state");
  CHECK_ERROR(FolderLock(folder.write("file", "x")), input, "file");
  std::filesystem::create_directory(folder / "linked");
  std::filesystem::create_symlink(folder / "elsewhere", folder / "linked/lock");
  CHECK_ERROR(FolderLock(folder / "linked"), input, "linked");
  CHECK_FALSE(std::filesystem::exists(folder / "elsewhere"));
}

}  // namespace nq
