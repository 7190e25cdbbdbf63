#include "leastwise/status_page.h"

#include <algorithm>
#include <utility>

#include "render/standing.h"

namespace leastwise {
namespace {

bool takes_part(const EndpointView& v) noexcept {
  return serves(v) && (v.settings.flags & kBackup) == 0;
}

// What part of the requests each endpoint of one pool gets, under a policy that goes by demand.
void share_out(const Config& config, std::span<PeerView> peers) noexcept {
  if (config.chosen_policy().demand == nullptr) return;
  float sum = 0;
  for (const PeerView& p : peers) {
    if (takes_part(p.view)) sum += p.view.demand;
  }
  for (PeerView& p : peers) {
    p.share = takes_part(p.view) && sum > 0 ? p.view.demand / sum : 0;
  }
}

// The peers of one pool, from `first` on, by their places in the configuration: ids are in no
// order. Moves numbers alone, since peers are large, and by Shell's method: std::sort reaches
// numbers that lie in others only through a view, and clang 14 compiles none of libstdc++'s.
void put_in_order(std::span<PeerView> peers, std::size_t first) noexcept {
  for (std::size_t i = first; i < peers.size(); ++i)
    peers[i].in_order = static_cast<std::uint32_t>(i);
  const std::span<PeerView> places = peers.subspan(first);
  const auto key = [&](std::size_t place) noexcept {
    const std::uint32_t i = places[place].in_order;
    return std::pair(peers[i].view.settings.order, i);
  };
  for (std::size_t gap = places.size(); gap > 1;) {
    gap = gap < 5 ? 1 : gap * 5 / 11;
    for (std::size_t i = gap; i < places.size(); ++i) {
      for (std::size_t at = i; at >= gap && key(at) < key(at - gap); at -= gap)
        std::swap(places[at].in_order, places[at - gap].in_order);
    }
  }
}

}  // namespace

std::size_t StatusPage::peers_of(std::span<const NamedPool> pools) noexcept {
  constexpr std::size_t kToSpare = 16;
  std::size_t n = 0;
  for (const NamedPool& named : pools) n += named.pool.endpoints();
  return n + n / 8 + kToSpare;
}

StatusPage::StatusPage(PageFormat format, std::string_view proxy, std::span<const NamedPool> pools,
                       std::span<PeerView> peers, TimePoint now) noexcept
    : format_(format), proxy_(proxy), pools_(pools), memory_(peers), now_(now) {}

bool StatusPage::look(std::size_t endpoints) noexcept {
  for (; pool_ < pools_.size(); --endpoints) {
    if (endpoints == 0) return true;
    const NamedPool& named = pools_[pool_];
    const EndpointId id = named.pool.next(next_);
    const std::size_t n = peers_.size();
    if (id == kNoEndpoint || n == memory_.size()) {
      share_out(*named.config, memory_.subspan(first_, n - first_));
      put_in_order(peers_, first_);
      ++pool_;
      next_ = 0;
      first_ = n;
      continue;
    }
    memory_[n] = {.view = named.pool.view(id, *named.config, now_),
                  .pool = static_cast<std::uint32_t>(pool_)};
    peers_ = memory_.first(n + 1);
    next_ = static_cast<std::uint32_t>(index(id)) + 1;
  }
  return false;
}

bool StatusPage::render(Text& out) noexcept {
  while (look(SIZE_MAX)) {
  }
  while (!at_.is_end) {
    const std::size_t before = out.size();
    const Position next =
        format_ == PageFormat::kPrometheus ? write_prometheus(at_, out) : write_json(at_, out);
    if (!out.fits()) {
      out.cut(before);
      return true;
    }
    at_ = next;
  }
  return false;
}

}  // namespace leastwise
