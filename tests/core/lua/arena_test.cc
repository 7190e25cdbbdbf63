#include "lua/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "leastwise/rng.h"

namespace leastwise::lua {
namespace {

TEST(Arena, GivesBlocksThatDoNotOverlap) {
  struct Block {
    unsigned char* at;
    std::size_t size;
    unsigned char mark;
  };
  Arena arena;
  ASSERT_TRUE(arena.open());
  std::vector<Block> blocks;
  Rng rng(3);
  for (int i = 0; i < 200'000; ++i) {
    const std::size_t size = 1 + rng.below(rng.below(50) == 0 ? 50'000U : 300U);
    const auto mark = static_cast<unsigned char>(i);
    if (blocks.size() < 400) {
      auto* at = static_cast<unsigned char*>(arena.reallocate(nullptr, 0, size));
      ASSERT_NE(at, nullptr);
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(at) % 8, 0U);
      std::memset(at, mark, size);
      blocks.push_back({at, size, mark});
      continue;
    }
    Block& block = blocks[rng.below(400)];
    for (std::size_t k = 0; k < block.size; ++k) ASSERT_EQ(block.at[k], block.mark);
    if (rng.below(2) == 0) {
      arena.reallocate(block.at, block.size, 0);
      block = blocks.back();
      blocks.pop_back();
      continue;
    }
    auto* at = static_cast<unsigned char*>(arena.reallocate(block.at, block.size, size));
    ASSERT_NE(at, nullptr);
    for (std::size_t k = 0; k < std::min(size, block.size); ++k) ASSERT_EQ(at[k], block.mark);
    std::memset(at, mark, size);
    block = {at, size, mark};
  }
  for (const Block& block : blocks) arena.reallocate(block.at, block.size, 0);
  EXPECT_EQ(arena.used(), 0U);
  EXPECT_FALSE(arena.has_refused());
}

TEST(Arena, RefusesWhatItHasNoRoomFor) {
  Arena arena;
  ASSERT_TRUE(arena.open());
  EXPECT_EQ(arena.reallocate(nullptr, 0, Arena::kLargest + 1), nullptr);
  EXPECT_TRUE(arena.has_refused());
  arena.clear();
  EXPECT_FALSE(arena.has_refused());
  std::size_t blocks = 0;
  while (arena.reallocate(nullptr, 0, Arena::kLargest) != nullptr) ++blocks;
  EXPECT_EQ(blocks, Arena::kSize / Arena::kLargest);
  arena.clear();
  EXPECT_NE(arena.reallocate(nullptr, 0, Arena::kLargest), nullptr);
}

}  // namespace
}  // namespace leastwise::lua
