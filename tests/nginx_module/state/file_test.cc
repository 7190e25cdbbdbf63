#include "state/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "state/writer.h"

namespace leastwise::nginx {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "leastwise_file_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = (folder_ / "state").string();
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string content() const {
    std::string out;
    EXPECT_EQ(read_file(path_.c_str(), 1 << 20, out), 0);
    return out;
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(FileTest, IsReplacedAsAWholeAndForItsOwnerOnly) {
  ASSERT_EQ(replace_file(path_, "one"), 0);
  EXPECT_EQ(content(), "one");
  std::string large(100'000, '\0');
  large[70'000] = 'x';
  large += "end";
  ASSERT_EQ(replace_file(path_, large), 0);
  EXPECT_EQ(content(), large);
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(files(), 1U);
}

TEST_F(FileTest, WhatCanNotBeWrittenLeavesTheOldOne) {
  ASSERT_EQ(replace_file(path_, "old"), 0);
  fs::create_directory(path_ + ".new");
  EXPECT_NE(replace_file(path_, "new"), 0);
  EXPECT_EQ(content(), "old");
  EXPECT_EQ(replace_file((folder_ / "none" / "x").string(), "new"), ENOENT);
}

TEST_F(FileTest, LinksPipesAndLargeFilesAreNotRead) {
  std::string out;
  EXPECT_EQ(read_file(path_.c_str(), 10, out), ENOENT);
  ASSERT_EQ(replace_file(path_, "12345678901"), 0);
  EXPECT_EQ(read_file(path_.c_str(), 10, out), EFBIG);
  fs::create_symlink(path_, folder_ / "link");
  EXPECT_EQ(read_file((folder_ / "link").c_str(), 100, out), ELOOP);
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_file((folder_ / "pipe").c_str(), 100, out), EINVAL);
}

TEST_F(FileTest, WhereALinkStandsInTheWayItIsReplacedAndNotFollowed) {
  std::ofstream(folder_ / "victim") << "mine";
  fs::create_symlink(folder_ / "victim", path_ + ".new");
  ASSERT_EQ(replace_file(path_, "x"), 0);
  EXPECT_EQ(content(), "x");
  path_ = (folder_ / "victim").string();
  EXPECT_EQ(content(), "mine");
}

TEST_F(FileTest, OneHasTheLockAtATime) {
  FileLock first, second;
  EXPECT_FALSE(FileLock::owner_of(path_.c_str()));
  ASSERT_EQ(first.take(path_.c_str(), {.space = 1, .master = 12345, .parent = 0}), 0);
  EXPECT_TRUE(first.is_held());
  EXPECT_EQ(second.take(path_.c_str(), {.master = 2}), EWOULDBLOCK);
  EXPECT_FALSE(second.is_held());
  EXPECT_EQ(FileLock::owner_of(path_.c_str())->master, 12345U);
  first.release();
  EXPECT_EQ(second.take(path_.c_str(), {.master = 2}), 0);
  EXPECT_EQ(FileLock::owner_of(path_.c_str())->master, 2U);  // nothing of the longer one is left
}

TEST(OwnerTest, IsReadAsItWasWrittenAndNothingElseIs) {
  OwnerText text;
  const auto owner = read_owner(to_text({.space = 4026531836, .master = 71, .parent = 70}, text));
  ASSERT_TRUE(owner);
  EXPECT_EQ(owner->space, 4026531836U);
  EXPECT_EQ(owner->master, 71U);
  EXPECT_EQ(owner->parent, 70U);
  for (const char* bad : {"", "leastwise", "leastwise ", "leastwise 1 2\n", "leastwise 1 2 3",
                          "leastwise 1 0 3\n", "leastwise -1 2 3\n", "leastwise 1 2 x\n",
                          "other 1 2 3\n", "leastwise 99999999999999999999 2 3\n"}) {
    EXPECT_FALSE(read_owner(bad)) << bad;
  }
}

TEST(OwnerTest, AnOldAndANewBinaryAreOneNginxAndContainersAreNot) {
  const Owner old{.space = 1, .master = 10}, next{.space = 1, .master = 20, .parent = 10};
  EXPECT_TRUE(is_one_nginx(old, old));
  EXPECT_TRUE(is_one_nginx(old, next) && is_one_nginx(next, old));
  EXPECT_FALSE(is_one_nginx(next, {.space = 1, .master = 30}));
  EXPECT_FALSE(is_one_nginx(old, {.space = 2, .master = 10}));
  EXPECT_FALSE(is_one_nginx(old, {.space = 1, .master = 30, .parent = 29}));
}

TEST_F(FileTest, AWriterTellsOnceHowItWent) {
  alignas(64) static std::byte memory[1 << 20];
  Pool pool;
  ASSERT_TRUE(Pool::create(memory, 4, pool).ok());
  std::ofstream(path_) << "something else";
  Writer writer;
  writer.start({.pool = pool, .prefix = "http/app/", .file = path_.c_str(), .is_first = true});
  EXPECT_TRUE(writer.is_busy());
  writer.wait();
  Written written;
  ASSERT_TRUE(writer.collect(written));
  EXPECT_EQ(written.error, 0);
  EXPECT_TRUE(written.was_kept_aside);
  EXPECT_FALSE(writer.is_busy());
  EXPECT_FALSE(writer.collect(written));
  EXPECT_EQ(files(), 2U);  // and .kept
  const std::string where = (folder_ / "none" / "x").string();
  writer.start({.pool = pool, .prefix = "http/app/", .file = where.c_str(), .is_first = false});
  writer.wait();
  ASSERT_TRUE(writer.collect(written));
  EXPECT_EQ(written.error, ENOENT);
}

}  // namespace
}  // namespace leastwise::nginx
