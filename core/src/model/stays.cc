// Of Model: requests that stay far longer than others do, and whether anybody waits for them.
#include <algorithm>
#include <cmath>

#include "model/model.h"
#include "words/constants.h"

namespace leastwise {
namespace {

constexpr std::uint32_t kPerLong = 2;  // so many each, and one less for each that did not stay
constexpr std::uint32_t kMostLongs = 16;
constexpr double kStayStep = 0.05;
constexpr double kWaitStep = 0.05;  // of the cost of a route that waits,
constexpr double kBackStep = 0.5;   // after an answer that came at once
constexpr double kAreBusy = 8;      // log odds
constexpr double kAreIdle = 0;
// Ten guests that delay nobody may as well be at a server that runs so many at once: with them the
// odds do not fall below -0.7. Where there is a queue they are beyond kAreBusy after two answers.
constexpr double kAreHarmless = -0.5;

}  // namespace

double Model::long_time() const noexcept { return kLong * typical_cost_ * slowness_; }

void Model::learn_place(std::uint16_t route, double stayed, Routes& routes) noexcept {
  const double typical = typical_cost_ * slowness_;
  const bool is_busy = routes.stay(route) == Stay::kBusy;
  learn_stay(route, stayed, stayed > (is_busy ? kWatchedPlace : kLongPlace) * typical, routes);
  if (routes.longs(route) == 0 && stayed > kWatchedPlace * typical) {
    watch_place(route, stayed, routes);
  }
}

// Nothing changes for it until the answers of others tell. In a pool of streams alone the waits
// behind them are learned as the cost of their first bytes at first, so that none of them is long.
void Model::watch_place(std::uint16_t route, double stayed, Routes& routes) noexcept {
  const double before = double{routes.stayed(route)};
  routes.set_stayed(
      route, static_cast<float>(before > 0 ? before + kStayStep * (stayed - before) : stayed));
}

void Model::learn_whole(std::uint16_t route, double whole, Routes& routes) noexcept {
  // Not by its own time alone: of that, much is waiting when there is too much to do.
  learn_stay(route, whole, std::min(whole, double{routes.costs(route).cost}) > long_time(), routes);
}

void Model::learn_stay(std::uint16_t route, double stayed, bool is_long, Routes& routes) noexcept {
  if (!(stayed > 0) || samples_ < kEnough) return;
  std::uint32_t longs = std::min(routes.longs(route), kMostLongs);
  if (!is_long && longs == 0 && routes.stay(route) == Stay::kShort) return;
  longs = is_long ? std::min(longs + kPerLong, kMostLongs) : longs - std::min(longs, 1U);
  // Until now they were counted in front of others, and what others waited was learned from that.
  const bool is_new = routes.longs(route) == 0;
  routes.set_longs(route, longs);
  if (longs == 0) {
    routes.set_stay(route, Stay::kShort);
    routes.set_stayed(route, 0);
    guests_.forget(route);
    return;
  }
  watch_place(route, stayed, routes);
  // Until the answers of others tell, it waits: those who come meanwhile are not worse off than
  // with least_conn, which spreads these evenly, too.
  if (routes.stay(route) == Stay::kShort && is_long) routes.set_stay(route, Stay::kIdle);
  if (!is_new || !is_long) return;
  curve_.reset();
  mixture_.reset();
  renew_waits();
}

// Whether the time that it took is no work, as far as is known.
bool Model::only_waits(const Answer& s, const Routes& routes) const noexcept {
  if (samples_ < kEnough || routes.stay(s.route) == Stay::kBusy) return false;
  const float cost = routes.costs(s.route).cost;
  return double{cost > 0 ? cost : std::max(s.took, s.whole)} > long_time();
}

// Its cost alone, and that quickly.
void Model::learn_wait(const Answer& s, Routes& routes, std::int64_t now_ms) noexcept {
  routes.count(s.route, now_ms);
  const double took = double{s.whole > 0 ? s.whole : s.took};
  const double before = double{routes.costs(s.route).cost};
  const double step = took > long_time() ? kWaitStep : kBackStep;
  const auto cost = static_cast<float>(before > 0 ? before + step * (took - before) : took);
  routes.set_costs(s.route, {.cost = cost, .slow = cost});
}

// What an answer says of those that stayed at its server when it came.
void Model::learn_guests(const Answer& s, Routes& routes) noexcept {
  const double stayed = double{routes.stayed(s.guest)};
  if (!(stayed > 0) || !(s.whole > 0) || !(s.predicted > 0)) return;
  const Costs costs = routes.costs(s.route);
  const double guests = s.guests;
  const double idle = std::min<double>(s.idle, guests);
  const double counted = std::min<double>(guests - idle, s.in_flight);
  const double q = s.in_flight;
  const double rest = (1 - double{kOwnShare}) * mean_cost_;
  const double work = std::max(0.0, (s.mean_ahead - rest) * q / double{kOwnShare});
  const auto ahead = [&](double n, double w) noexcept {
    return n > 0 ? double{kOwnShare} * w / n + rest : mean_cost_;
  };
  guests_.add(s.guest,
              {.took = s.whole / s.slowness_before,
               .cost = double{costs.slow > 0 ? costs.slow : s.slow_cost},
               .mean_cost = mean_cost_,
               .spread = spread_,
               .with = q + idle,
               .ahead_with = ahead(q + idle, work + idle * stayed),
               .without = q - counted,
               .ahead_without = ahead(q - counted, std::max(0.0, work - counted * stayed))});
  const double odds = guests_.odds(s.guest);
  const Stay stay = routes.stay(s.guest);
  if (stay == Stay::kBusy && !(odds < kAreIdle)) return;
  if (stay == Stay::kShort) {
    if (!(odds > kAreBusy)) return;
    routes.set_longs(s.guest, kMostLongs);
  }
  const Stay at_rest = odds < kAreHarmless ? Stay::kHarmless : Stay::kIdle;
  routes.set_stay(s.guest, odds > kAreBusy ? Stay::kBusy : at_rest);
}

}  // namespace leastwise
