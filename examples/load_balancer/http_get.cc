#include "http_get.h"

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <new>

namespace {

using leastwise::Result;

constexpr std::size_t kMostBody = std::size_t{16} << 20;

std::size_t keep(char* data, std::size_t size, std::size_t n, void* into) {
  auto& body = *static_cast<std::string*>(into);
  if (body.size() + size * n > kMostBody) return 0;  // libcurl gives up
  body.append(data, size * n);
  return size * n;
}

CURL* handle() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  thread_local const std::unique_ptr<CURL, void (*)(CURL*)> own(
      started == CURLE_OK ? curl_easy_init() : nullptr, curl_easy_cleanup);
  if (own == nullptr) throw std::bad_alloc();
  return own.get();
}

Result result_of(CURLcode code, long status, bool is_connected) {
  switch (code) {
    case CURLE_OK:
      return status >= 500 ? Result::kServerError : Result::kOk;
    case CURLE_OPERATION_TIMEDOUT:
      return is_connected ? Result::kTimeout : Result::kRefused;
    case CURLE_PARTIAL_FILE:
      return Result::kTruncated;
    case CURLE_WRITE_ERROR:
      return Result::kClientGone;  // more than we take
    default:
      return is_connected ? Result::kReset : Result::kRefused;
  }
}

leastwise::Duration seconds_of(CURL* curl, CURLINFO what) {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(curl, what, &microseconds);
  return std::chrono::microseconds(microseconds);
}

}  // namespace

Got http_get(const std::string& url) {
  Got got;
  CURL* curl = handle();
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 10000L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 2000L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &got.body);
  const CURLcode code = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &got.status);

  const bool is_connected = seconds_of(curl, CURLINFO_PRETRANSFER_TIME_T) > leastwise::Duration{};
  got.outcome.result = result_of(code, got.status, is_connected);
  got.outcome.status = static_cast<std::uint16_t>(got.status);
  if (got.status != 0) got.outcome.first_byte = seconds_of(curl, CURLINFO_STARTTRANSFER_TIME_T);
  long connects = 0;
  curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
  if (connects == 1 && is_connected) {  // TCP's handshake is one round trip
    got.outcome.connect =
        seconds_of(curl, CURLINFO_CONNECT_TIME_T) - seconds_of(curl, CURLINFO_NAMELOOKUP_TIME_T);
    got.outcome.round_trip = got.outcome.connect;
  }
  got.outcome.occupied = seconds_of(curl, CURLINFO_TOTAL_TIME_T);
  got.outcome.bytes_received = got.body.size();
  return got;
}
