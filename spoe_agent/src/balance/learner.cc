#include "balance/learner.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <exception>
#include <iterator>

#include "serve/clock.h"
#include "serve/sockets.h"

namespace leastwise::agent {
namespace {

constexpr Duration kBeat = std::chrono::milliseconds(50);
// Lines are let gather for so long: a wake-up for each would cost more than all that is done
// with it, and their time stamps are the kernel's.
constexpr timespec kGather = {.tv_sec = 0, .tv_nsec = 1'000'000};
constexpr std::size_t kMostBatches = 64;  // before time is kept again
constexpr Duration kReloadPatience = std::chrono::seconds(2);

}  // namespace

Learner::Learner(Registry& registry, StateStore& store, Feedback& feedback,
                 FeedbackCounters& counters, const PickCounters& picks, Fd socket,
                 std::optional<Address> haproxy_socket)
    : registry_(registry),
      store_(store),
      feedback_(feedback),
      counters_(counters),
      wake_(make_event()),
      watch_(picks, counters),
      weights_(registry, store, counters) {
  if (socket) datagrams_.emplace(std::move(socket));
  haproxy_.is_configured = haproxy_socket.has_value();
  ask_about_ours(std::move(haproxy_socket));
}

void Learner::ask_about_ours(std::optional<Address> haproxy_socket) {
  std::vector<std::string> names;
  for (const auto& backend : registry_.backends()) {
    if (backend->active()) names.push_back(backend->name());
  }
  haproxy_socket_ = haproxy_socket;
  runtime_.ask(std::move(haproxy_socket), std::move(names));
}

void Learner::run() noexcept {
  while (!stopping_.load(std::memory_order_acquire)) {
    try {
      round();
    } catch (const std::exception& error) {
      if (may_complain_.allows(now_)) log(LogLevel::kError, {error.what()});
    }
    rounds_.add();
  }
  finish_all();
}

void Learner::stop() noexcept {
  stopping_.store(true, std::memory_order_release);
  signal_event(wake_);
}

bool Learner::reload(AgentConfig config) {
  std::unique_lock lock(mutex_);
  next_config_ = std::move(config);
  is_applying_ = true;
  signal_event(wake_);
  return applied_.wait_for(lock, kReloadPatience, [this] { return !is_applying_; });
}

HaproxyView Learner::haproxy() const {
  const std::lock_guard lock(mutex_);
  HaproxyView view = haproxy_;
  view.is_stale = view.last_answer == TimePoint{} || now() - view.last_answer > kStale;
  return view;
}

std::vector<LearningWatch::Warning> Learner::warnings() const {
  std::vector<LearningWatch::Warning> all = watch_.warnings();
  std::ranges::move(weights_.warnings(), std::back_inserter(all));
  return all;
}

void Learner::round() {
  wait(kBeat);
  now_ = now();
  if (has_datagrams_) receive();
  feedback_.drain(now_);
  read_counts();
  if (now_ >= next_beat_) keep_time();
  ask_haproxy();
  apply_reload();
}

void Learner::wait(Duration most) noexcept {
  std::array<pollfd, 4> fds = {
      pollfd{.fd = wake_.get(), .events = POLLIN, .revents = 0},
      pollfd{.fd = datagrams_ ? datagrams_->descriptor() : -1, .events = POLLIN, .revents = 0},
      pollfd{.fd = runtime_.descriptor(), .events = runtime_.events(), .revents = 0},
      pollfd{.fd = count_reader_.descriptor(), .events = POLLIN, .revents = 0}};
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(most);
  if (::poll(fds.data(), fds.size(), static_cast<int>(ms.count())) < 0) return;
  if (fds[0].revents != 0) clear_event(wake_);
  has_datagrams_ = fds[1].revents != 0;
  runtime_is_ready_ = fds[2].revents != 0;
  counts_are_ready_ = fds[3].revents != 0;
}

void Learner::receive() noexcept {
  for (std::size_t batch = 0; batch < kMostBatches; ++batch) {
    const std::size_t n = datagrams_->receive();
    for (std::size_t i = 0; i < n; ++i) {
      feedback_.on_line(datagrams_->line(i), datagrams_->arrived(i));
    }
    if (n < Datagrams::kBatch) break;
  }
  counters_.lost.set(datagrams_->dropped());
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &kGather, nullptr);
}

void Learner::keep_time() {
  next_beat_ = now_ + kBeat;
  feedback_.expire(now_);
  if (now_ < next_tick_) return;
  next_tick_ = now_ + Pool::kTickPeriod;
  for (const auto& backend : registry_.backends()) {
    backend->tick(now_);
    backend->tick_script(registry_.gate(), now_);
  }
  store_.stamp(now_);
  watch_.look(now_);
}

// After the lines that have come were taken in: what they ended is not in flight any more.
void Learner::read_counts() {
  const auto& backends = registry_.backends();
  if (counts_are_ready_ && count_reader_.on_ready(now_)) {
    for (const auto& backend : backends) backend->note_counts(count_reader_.counts(), now_);
  }
  counts_are_ready_ = false;
  if (!count_reader_.poll(now_)) return;
  for (const auto& backend : backends) backend->begin_counts();
}

void Learner::ask_haproxy() {
  if (runtime_is_ready_) {
    runtime_is_ready_ = false;
    const RuntimeClient::Progress progress = runtime_.on_ready(now_);
    if (progress == RuntimeClient::Progress::kAnswered) {
      note_process();
      const std::vector<BackendInfo> backends = runtime_.take();
      on_servers(backends);
      tell(weights_.on_servers(backends, runtime_.process().pid, now_));
      report(true);
    }
    if (progress == RuntimeClient::Progress::kTold) {
      weights_.on_told(runtime_.told(), runtime_.refused());
    }
    if (progress == RuntimeClient::Progress::kFailed) report(false);
  }
  if (runtime_.poll(now_)) report(false);
}

// What is on its way already stays, unless there is something newer.
void Learner::tell(std::vector<std::string> commands) {
  if (!commands.empty()) runtime_.tell(std::move(commands));
}

void Learner::note_process() {
  const ProcessInfo& process = runtime_.process();
  const std::lock_guard lock(mutex_);
  if (process.pid == haproxy_.pid) return;
  log(LogLevel::kInfo, {haproxy_.pid == 0 ? "HAProxy " : "HAProxy was started anew: ",
                        process.version, ", process ", std::to_string(process.pid)});
  if (haproxy_.pid != 0) counters_.restarts.add();
  haproxy_.pid = process.pid;
}

// Only where picks go by them.
void Learner::ask_for_counts(const std::vector<BackendInfo>& infos) {
  std::vector<BackendInfo> picked;
  std::ranges::copy_if(infos, std::back_inserter(picked), [&](const BackendInfo& info) {
    return std::ranges::any_of(registry_.backends(), [&](const auto& backend) {
      return backend->active() && backend->mode() == Mode::kPick && backend->name() == info.name;
    });
  });
  count_reader_.ask(haproxy_socket_, picked);
}

void Learner::on_servers(const std::vector<BackendInfo>& infos) {
  bool changed = false;
  ask_for_counts(infos);
  for (const auto& backend : registry_.backends()) {
    if (!backend->active()) continue;
    const auto info = std::ranges::find(infos, backend->name(), &BackendInfo::name);
    const BackendInfo none{.name = backend->name(), .servers = {}};
    const BackendInfo& told = info == infos.end() ? none : *info;
    if (!backend->update(told, registry_.gate(), feedback_, now_)) continue;
    changed = true;
    log(LogLevel::kInfo,
        {"backend ", backend->name(), ": ", std::to_string(backend->servers()), " servers"});
  }
  if (changed) registry_.publish();
}

void Learner::report(bool answered) {
  (answered ? counters_.polls : counters_.failed_polls).add();
  const std::lock_guard lock(mutex_);
  haproxy_.error = runtime_.error();
  if (answered) haproxy_.last_answer = now_;
  if (answered && was_lost_) log(LogLevel::kInfo, {"HAProxy answers again"});
  // A short silence is a reload of HAProxy, and not worth a line.
  if (!answered && !was_lost_ && now_ - haproxy_.last_answer > kStale) {
    was_lost_ = true;
    log(LogLevel::kWarning,
        {"HAProxy's runtime API: ", runtime_.error(), "; servers are kept as they are"});
  }
  if (answered) was_lost_ = false;
}

void Learner::apply_reload() {
  std::optional<AgentConfig> config;
  {
    const std::lock_guard lock(mutex_);
    config.swap(next_config_);
    if (config) haproxy_.is_configured = config->haproxy_socket.has_value();
  }
  if (!config) return;
  registry_.configure(config->backends, feedback_, now_);
  ask_about_ours(std::move(config->haproxy_socket));
  tell(weights_.give_back_what_left());
  const std::lock_guard lock(mutex_);
  is_applying_ = next_config_.has_value();
  applied_.notify_all();
}

// The pick thread has ended: nothing is added any more.
void Learner::finish_all() {
  now_ = now();
  give_weights_back();
  if (datagrams_) receive();
  for (const auto& backend : registry_.backends()) {
    const std::lock_guard lock(registry_.gate());
    backend->leave(feedback_, now_);
  }
  store_.stamp(now_);
}

// HAProxy goes on without us, as it is configured. Waits for its word, but not for long.
void Learner::give_weights_back() {
  std::vector<std::string> commands = weights_.give_back_all();
  if (commands.empty()) return;
  runtime_.tell(std::move(commands));
  for (const TimePoint end = now() + RuntimeClient::kPatience; now() < end;) {
    if (runtime_.poll(now())) break;
    pollfd ready{.fd = runtime_.descriptor(), .events = runtime_.events(), .revents = 0};
    if (::poll(&ready, 1, 50) <= 0) continue;
    const RuntimeClient::Progress progress = runtime_.on_ready(now());
    if (progress == RuntimeClient::Progress::kTold && !runtime_.is_telling()) return;
    if (progress == RuntimeClient::Progress::kFailed) break;
  }
  log(LogLevel::kWarning, {"HAProxy was not told its configured weights: ", runtime_.error(),
                           "; \"set server BACKEND/SERVER weight 100%\" gives them back"});
}

}  // namespace leastwise::agent
