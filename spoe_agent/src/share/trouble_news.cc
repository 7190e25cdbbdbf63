#include "share/trouble_news.h"

#include <utility>

namespace leastwise::agent {

bool TroubleNews::trouble(const std::string& cause, TimePoint now) {
  std::erase_if(told_, [&](const auto& one) { return now - one.second >= kTellAgain; });
  if (told_.size() >= kMostCauses || !told_.emplace(cause, now).second) return false;
  is_told_well_ = false;
  return true;
}

TroubleNews::Well TroubleNews::well(TimePoint now) {
  if (is_told_well_ || (recovered_ && now - *recovered_ < kRest)) return Well::kNoNews;
  told_.clear();
  is_told_well_ = true;
  if (!std::exchange(was_well_, true)) return Well::kFirst;
  recovered_ = now;
  return Well::kAgain;
}

}  // namespace leastwise::agent
