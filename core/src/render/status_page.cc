#include "leastwise/status_page.h"

#include <algorithm>
#include <ranges>
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
// order. Moves numbers alone, since peers are large.
void put_in_order(std::span<PeerView> peers, std::size_t first) noexcept {
  for (std::size_t i = first; i < peers.size(); ++i)
    peers[i].in_order = static_cast<std::uint32_t>(i);
  std::ranges::sort(
      peers.subspan(first) | std::views::transform(&PeerView::in_order), {},
      [&](std::uint32_t i) noexcept { return std::pair(peers[i].view.settings.order, i); });
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
