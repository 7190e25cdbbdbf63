#include "balance/state_store.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "balance/backend.h"
#include "leastwise/rng.h"
#include "serve/clock.h"

namespace leastwise::agent {
namespace {

namespace fs = std::filesystem;

class StateStoreTest : public testing::Test {
 protected:
  StateStoreTest() {
    std::string name = fs::temp_directory_path() / "leastwise-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "state";
  }
  ~StateStoreTest() override { fs::remove_all(folder_); }

  // Runs an "agent" that puts one endpoint into backend app.
  void learn(const std::string& endpoint) {
    StateStore store(path_);
    auto memory = store.create("app", Pool::bytes_for(64));
    Pool pool;
    ASSERT_TRUE(Pool::create(memory, 64, pool).ok());
    ASSERT_NE(pool.add(endpoint), kNoEndpoint);
  }
  bool knows(const std::string& endpoint) {
    StateStore store(path_);
    Pool pool;
    return Pool::attach(store.find("app"), pool).ok() && pool.find(endpoint) != kNoEndpoint;
  }
  fs::path kept() const { return path_.string() + ".kept"; }
  void write(std::uintmax_t at, std::string_view bytes) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  fs::path folder_, path_;
};

TEST_F(StateStoreTest, KeepsWhatWasLearnedOverARestart) {
  learn("haproxy/app/s1@a:1");
  EXPECT_TRUE(knows("haproxy/app/s1@a:1"));
  EXPECT_FALSE(knows("haproxy/app/s2@a:1"));
}

TEST_F(StateStoreTest, WithoutAPathItIsMemory) {
  StateStore store("");
  EXPECT_EQ(store.create("app", 100'000).size() >= 100'000, true);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(StateStoreTest, ASecondAgentIsRefused) {
  const StateStore first(path_);
  try {
    const StateStore second(path_);
    FAIL() << "not refused";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), "state \"" + path_.string() + "\": another agent uses it");
  }
}

TEST_F(StateStoreTest, WhatIsNoFileIsRefused) {
  EXPECT_THROW(StateStore{folder_}, std::runtime_error);
  fs::create_symlink("/dev/null", path_);
  EXPECT_THROW(StateStore{path_}, std::runtime_error);
  EXPECT_THROW(StateStore{folder_ / "no" / "state"}, std::runtime_error);
}

TEST_F(StateStoreTest, TheLargerSectionOfANameCounts) {
  {
    StateStore store(path_);
    store.create("app", 1000)[0] = std::byte{1};
    store.create("other", 1000)[0] = std::byte{2};
    store.create("app", 200'000)[0] = std::byte{3};
  }
  const StateStore store(path_);
  EXPECT_EQ(store.find("app")[0], std::byte{3});
  EXPECT_GE(store.find("app").size(), 200'000U);
  EXPECT_EQ(store.find("other")[0], std::byte{2});
  EXPECT_TRUE(store.find("none").empty());
}

TEST_F(StateStoreTest, EveryTruncationStartsAfreshOrKeepsAll) {
  for (int i = 0; i < 20; ++i) {
    fs::remove(path_);
    learn("s1");
    const std::uintmax_t size = fs::file_size(path_);
    fs::resize_file(path_, size * static_cast<std::uintmax_t>(i) / 20);
    EXPECT_FALSE(knows("s1")) << i;
    learn("s2");
    EXPECT_TRUE(knows("s2")) << i;
  }
}

TEST_F(StateStoreTest, GarbageStartsAfresh) {
  Rng rng(7);
  for (const std::size_t size : {1U, 8U, 100U, 65536U, 200'000U}) {
    std::string garbage(size, '\0');
    for (char& c : garbage) c = static_cast<char>(rng.next());
    std::ofstream(path_, std::ios::binary) << garbage;
    fs::remove(kept());
    EXPECT_FALSE(knows("s1")) << size;
    EXPECT_EQ(fs::file_size(kept()), size);
    learn("s1");
    EXPECT_TRUE(knows("s1")) << size;
  }
}

TEST_F(StateStoreTest, AFileOfSomebodyElseIsKept) {
  std::ofstream(path_) << "global\n  daemon\n";
  EXPECT_FALSE(knows("s1"));
  std::ifstream file(kept());
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, "global");
  // A second time it would go over the first.
  fs::remove(path_);
  std::ofstream(path_) << "another\n";
  EXPECT_THROW(StateStore{path_.string()}, std::runtime_error);
  EXPECT_EQ(fs::file_size(path_), 8U);
}

TEST_F(StateStoreTest, BitFlipsInTheHeadsNeverCrash) {
  Rng rng(3);
  for (int i = 0; i < 300; ++i) {
    fs::remove(path_);
    fs::remove(kept());
    learn("s1");
    // The head of the file, and that of its first section.
    const std::uintmax_t at = rng.below(2) * 65536 + rng.below(300);
    write(at, std::string(1, static_cast<char>(rng.next())));
    knows("s1");
    learn("s2");
  }
  SUCCEED();
}

TEST_F(StateStoreTest, ThePoolOfAnotherLayoutIsStartedAfresh) {
  learn("s1");
  write(2 * 65536, "another layout");
  StateStore store(path_);
  BackendConfig own;
  own.name = "app";
  const Backend backend(own, store);
  EXPECT_EQ(backend.pool().view().endpoints, 0U);
}

TEST_F(StateStoreTest, TimeGoesOnAfterAReboot) {
  const TimePoint ahead = now() + std::chrono::hours(1000);
  {
    StateStore store(path_);
    store.stamp(ahead);
  }
  const StateStore store(path_);
  EXPECT_GE(now(), ahead);
}

}  // namespace
}  // namespace leastwise::agent
