#include "config/near_match.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace leastwise::agent {
namespace {

constexpr std::size_t kMostEdits = 2;

constexpr std::size_t kLongest = 64;  // no name of ours comes near

// Levenshtein's distance, one row at a time. REQUIRES: b.size() < kLongest.
std::size_t distance(std::string_view a, std::string_view b) noexcept {
  std::array<std::size_t, kLongest> row{};
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view near_match(std::string_view word, std::span<const std::string_view> names) {
  std::string_view best;
  std::size_t fewest = std::min(kMostEdits, word.empty() ? 0 : (word.size() - 1) / 2) + 1;
  for (const std::string_view name : names) {
    // Also keeps a hostile word from costing its length.
    if (name.size() >= kLongest || name.size() > word.size() + kMostEdits ||
        word.size() > name.size() + kMostEdits)
      continue;
    const std::size_t edits = distance(word, name);
    if (edits < fewest) {
      fewest = edits;
      best = name;
    }
  }
  return best;
}

}  // namespace leastwise::agent
