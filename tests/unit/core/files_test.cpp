#include "core/files.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "support/errors.hpp"
#include "support/sanitizer.hpp"
#include "support/temp_dir.hpp"

namespace nq {
namespace {

using test::slurp;
using test::TempDir;

/// Makes writes fail beyond `bytes`, as a full disk does.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &saved_);
    rlimit limit = saved_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &saved_); }

 private:
  rlimit saved_{};
};

}  // namespace

TEST_CASE("an atomic write creates or replaces a file and nothing else", "[core]") {
  const TempDir folder;
  write_file_atomically(folder / "a", "one");
  CHECK(slurp(folder / "a") == "one");
  const std::string zeros("x\0y", 3);
  write_file_atomically(folder / "a", zeros);
  CHECK(slurp(folder / "a") == zeros);
  write_file_atomically(folder / "a", "");
  CHECK(slurp(folder / "a").empty());
  CHECK(folder.names() == std::vector<std::string>{"a"});
}

TEST_CASE("written files have the permissions of the umask", "[core]") {
  const TempDir folder;
  const mode_t mask = ::umask(022);
  write_file_atomically(folder / "a", "one");
  ::umask(mask);
  struct stat info {};
  REQUIRE(::stat((folder / "a").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0644);
}

TEST_CASE("a failed write keeps the old file and leaves no temporary one", "[core]") {
  const TempDir folder;
  folder.write("a", "old");
  {
    const FileSizeLimit limit(1000);
    CHECK_ERROR(write_file_atomically(folder / "a", std::string(100000, 'x')), input, "writing");
    CHECK_ERROR(write_file_atomically(folder / "new", std::string(100000, 'x')), input,
                (folder / "new").string());
  }
  CHECK(slurp(folder / "a") == "old");
  CHECK(folder.names() == std::vector<std::string>{"a"});
}

TEST_CASE("targets that cannot be written are refused by name", "[core]") {
  const TempDir folder;
  std::filesystem::create_directory(folder / "sub");
  folder.write("fixed", "old");
  ::chmod((folder / "fixed").c_str(), 0444);
  const std::string long_name(300, 'n');
  for (const auto& write : {+[](const std::filesystem::path& path) { write_file_atomically(path, "x"); },
                            +[](const std::filesystem::path& path) { check_writable(path); }}) {
    CHECK_ERROR(write(folder / "sub"), input, "it is a folder");
    CHECK_ERROR(write(folder / "missing/a"), input, "does not exist");
    CHECK_ERROR(write(folder / "fixed"), input, "read-only");
    CHECK_ERROR(write(folder / "fixed/a"), input, "cannot write");
    CHECK_ERROR(write(folder / long_name), input, "cannot write");
    CHECK_ERROR(write("/dev/null"), input, "not a regular file");
  }
  CHECK(slurp(folder / "fixed") == "old");
  ::chmod((folder / "sub").c_str(), 0555);
  CHECK_ERROR(write_file_atomically(folder / "sub/a", "x"), input, "read-only");
  ::chmod((folder / "sub").c_str(), 0755);
  CHECK(folder.names() == std::vector<std::string>{"fixed", "sub"});
}

TEST_CASE("probing a target leaves nothing behind", "[core]") {
  const TempDir folder;
  check_writable(folder / "a");
  CHECK(folder.names().empty());
  folder.write("a", "old");
  check_writable(folder / "a");
  CHECK(slurp(folder / "a") == "old");
  CHECK(folder.names() == std::vector<std::string>{"a"});
}

TEST_CASE("files are read whole or refused", "[core]") {
  const TempDir folder;
  const std::string bytes("a\0b", 3);
  CHECK(read_file(folder.write("a", bytes)) == bytes);
  CHECK(read_file(folder.write("empty", "")).empty());
  CHECK(read_file(folder / "a", 3) == bytes);
  CHECK_ERROR(read_file(folder / "a", 2), resource, "more than the limit of 2");
  CHECK_ERROR(read_file(folder / "missing"), input, "missing");
  CHECK_ERROR(read_file(folder.path()), input, "not a regular file");
  CHECK_ERROR(read_file("/dev/zero"), input, "not a regular file");
  const std::string fifo = (folder / "fifo").string();
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK_ERROR(read_file(fifo), input, "not a regular file");
  if (test::kSanitizedAllocator) {
    WARN("left out: a file beyond memory, which a sanitizer ends the program for");
    return;
  }
  const std::string sparse = (folder / "sparse").string();
  folder.write("sparse", "");
  REQUIRE(::truncate(sparse.c_str(), off_t{1} << 43) == 0);
  CHECK_ERROR(read_file(sparse), resource, "sparse");
}

}  // namespace nq
