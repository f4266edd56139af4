"""The layout of the sandbox's pages, and the index page."""

from html import escape
from typing import Final

__all__ = ["INDEX", "page"]

STYLE: Final = """
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }
  table { border-collapse: collapse; width: 100% }
  td, th { border-bottom: 1px solid #ccc; padding: .4rem .6rem; text-align: left; vertical-align: top }
  code { font-size: .9em }
  pre { white-space: pre-wrap }
  iframe { border: 1px solid #ccc; height: 28rem; margin-top: 1rem; width: 100% }
"""


def page(title: str, content: str) -> str:
    """Return an HTML page; `content` is HTML, `title` is text."""
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} - TicketRemaster sandbox</title>
<style>{STYLE}</style>
<h1>{escape(title)}</h1>
{content}
</html>
"""


INDEX: Final = page(
    "Sandbox",
    """
<p>Simulates the external providers. No data leaves this machine, and no money moves.</p>
<table>
  <tr><th>Simulates</th><th>Paths</th></tr>
  <tr><td>SMU notification API (OTP, SMS)</td>
      <td><code>POST /SendOTP</code>, <code>/VerifyOTP</code>, <code>/SendSMS</code>.
          Every code is <b>123456</b> by default.</td></tr>
  <tr><td>Stripe</td>
      <td><code>/v1/payment_intents</code>; pay with <code>POST /control/stripe/{id}/succeed</code>, or
          <code>/fail</code>, <code>/cancel</code>, <code>/refund</code>, <code>/fail-refund</code>, <code>/dispute</code>,
          <code>/dispute/withdraw</code>, <code>/reinstate</code>, <code>/win</code>, <code>/lose</code>. Each sends the
          signed webhook. <code>/v1/checkout/sessions</code>: open the session's <code>url</code>, or pay it with
          <code>POST /control/stripe/checkout/{id}/pay</code>, or <code>/decline</code>, <code>/expire</code>.</td></tr>
  <tr><td>NOWPayments</td>
      <td><code>/v1/payment</code>; change the status with
          <code>POST /control/nowpayments/{id}</code> and <code>status</code>; send more coins with
          <code>/deposit</code> and <code>actually_paid</code>.</td></tr>
  <tr><td>Free credits</td><td><code>POST /topups</code> with <code>user_id</code> and <code>amount</code></td></tr>
  <tr><td>Performers' devices</td>
      <td><code>POST /command</code> with <code>uid</code>, <code>seconds</code>, and <code>pattern</code> or
          <code>strength</code>; <a href="/devices">what they did</a>. <code>POST /control/faults</code> with
          <code>{"path": "/command", "status": 503, "times": 2}</code> makes two commands fail, with
          <code>delay_seconds</code> late.</td></tr>
  <tr><td>The supplier of digital goods</td>
      <td><code>/v1/reservations</code>; <a href="/supplier">its reservations</a>. Deliver one there, or with
          <code>POST /control/supplier/{reservation_id}</code> and <code>{"status": "delivered"}</code>, or all at once with
          <code>POST /control/supplier-automatic</code>. Each sends the signed webhook.</td></tr>
  <tr><td>An OpenAI-compatible text API</td>
      <td><code>POST /v1/chat/completions</code>; <a href="/control/text/requests">what was asked</a>.
          <code>POST /control/text/faults</code> with <code>{"fault": "french"}</code> spoils the next text.</td></tr>
  <tr><td>An email server (SMTP)</td><td>Emails are stored in <a href="/mailbox">the mailbox</a>.</td></tr>
</table>
<p><a href="/control/sent">/control/sent</a> lists sent messages, <a href="/control/webhooks">/control/webhooks</a> lists
webhooks. Other routes under <code>/control</code> set the code of a phone, expire codes, and inject faults and delays.
<a href="/docs">/docs</a> documents all routes.</p>
""",
)
