#include "serve/service_manager.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "serve/log.h"

namespace leastwise::agent {
namespace {

// A line of its own is a variable of its own.
std::string status_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return "\nSTATUS=" + text;
}

bool is_listening() noexcept {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  return path != nullptr && *path != '\0';
}

}  // namespace

ServiceManager::ServiceManager() : is_there_(is_listening()) {
  std::uint64_t us = 0;
  const int result = ::sd_watchdog_enabled(0, &us);
  if (result > 0) watchdog_ = std::chrono::microseconds(us);
  if (result < 0) log(LogLevel::kWarning, {"WATCHDOG_USEC or WATCHDOG_PID: no number; not used"});
}

void ServiceManager::ready(const std::string& status) {
  shown_ = status;
  tell("READY=1" + status_line(status));
}

// The time is for Type=notify-reload: which reload a later READY=1 is the end of.
void ServiceManager::reloading() {
  const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(since_boot);
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us.count()) +
       status_line("reading the configuration again"));
}

void ServiceManager::stopping() { tell("STOPPING=1" + status_line("stopping")); }

void ServiceManager::show(const std::string& status) {
  if (status == shown_) return;
  shown_ = status;
  tell(status_line(status).substr(1));
}

void ServiceManager::is_alive() { tell("WATCHDOG=1"); }

void ServiceManager::tell(const std::string& words) {
  if (!is_there_) return;
  const int result = ::sd_notify(0, words.c_str());
  if (result < 0) log(LogLevel::kWarning, {"NOTIFY_SOCKET: ", std::strerror(-result)});
}

}  // namespace leastwise::agent
