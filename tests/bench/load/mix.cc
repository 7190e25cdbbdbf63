#include "bench/load/mix.h"

#include <algorithm>
#include <utility>

#include "bench/common/text.h"
#include "bench/common/usage_error.h"

namespace leastwise::bench {

Mix Mix::parse(std::string_view text) {
  Mix mix;
  double sum = 0;
  for (const std::string_view part : split(text, ',')) {
    const std::size_t colon = part.rfind(':');
    const bool has_weight = colon != std::string_view::npos;
    const auto weight = number_in<double>(has_weight ? part.substr(colon + 1) : "", 1e-9, 1e9);
    if (!weight || !part.starts_with('/')) {
      throw refused("--mix", "\"" + std::string(part) + "\"",
                    "/PATH:WEIGHT,... with weights above 0");
    }
    mix.paths_.emplace_back(part.substr(0, colon));
    mix.up_to_.push_back(sum += *weight);
  }
  if (mix.paths_.empty()) throw refused("--mix", "nothing", "/PATH:WEIGHT,...");
  return mix;
}

Mix Mix::of_one(std::string path) {
  Mix mix;
  mix.paths_.push_back(std::move(path));
  mix.up_to_.push_back(1);
  return mix;
}

std::uint32_t Mix::choose(double u) const noexcept {
  const auto found = std::upper_bound(up_to_.begin(), up_to_.end(), u * up_to_.back());
  const auto last = std::prev(up_to_.end());  // rounding may have gone past it
  return static_cast<std::uint32_t>(std::min(found, last) - up_to_.begin());
}

}  // namespace leastwise::bench
