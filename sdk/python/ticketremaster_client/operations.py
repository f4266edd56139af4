"""The operations of the API. `make sdk` writes this file."""

from typing import Final

from ticketremaster_client.calls import Operation

DELETE_ADMIN_PERFORMERS_BY_PERFORMER_ID_MENUS_BY_MENU_ID: Final = Operation(
    "DELETE", "/api/admin/performers/{performer_id}/menus/{menu_id}"
)
DELETE_ADMIN_PERFORMERS_BY_PERFORMER_ID_MENUS_BY_MENU_ID_ITEMS_BY_ITEM_ID: Final = Operation(
    "DELETE", "/api/admin/performers/{performer_id}/menus/{menu_id}/items/{item_id}"
)
DELETE_ADMIN_PERFORMERS_BY_PERFORMER_ID_MENUS_BY_MENU_ID_WHITELIST_BY_USER_ID: Final = Operation(
    "DELETE", "/api/admin/performers/{performer_id}/menus/{menu_id}/whitelist/{user_id}"
)
DELETE_ADMIN_PERFORMERS_BY_PERFORMER_ID_TIP_MENUS_BY_MENU_ID: Final = Operation(
    "DELETE", "/api/admin/performers/{performer_id}/tip-menus/{menu_id}"
)
DELETE_ADMIN_PERFORMERS_BY_PERFORMER_ID_TIP_MENUS_BY_MENU_ID_ITEMS_BY_ITEM_ID: Final = Operation(
    "DELETE", "/api/admin/performers/{performer_id}/tip-menus/{menu_id}/items/{item_id}"
)
DELETE_ADMIN_WEBHOOK_SUBSCRIPTIONS_BY_SUBSCRIPTION_ID: Final = Operation(
    "DELETE", "/api/admin/webhook-subscriptions/{subscription_id}"
)
DELETE_AUTH_SESSIONS: Final = Operation("DELETE", "/api/auth/sessions")
DELETE_AUTH_SESSIONS_BY_SESSION_ID: Final = Operation("DELETE", "/api/auth/sessions/{session_id}")
DELETE_PERFORMERS_BY_PERFORMER_ID_SUBSCRIPTION: Final = Operation(
    "DELETE", "/api/performers/{performer_id}/subscription"
)
DELETE_PERFORMER_MENUS_BY_MENU_ID: Final = Operation("DELETE", "/api/performer/menus/{menu_id}")
DELETE_PERFORMER_MENUS_BY_MENU_ID_ITEMS_BY_ITEM_ID: Final = Operation(
    "DELETE", "/api/performer/menus/{menu_id}/items/{item_id}"
)
DELETE_PERFORMER_MENUS_BY_MENU_ID_WHITELIST_BY_USER_ID: Final = Operation(
    "DELETE", "/api/performer/menus/{menu_id}/whitelist/{user_id}"
)
DELETE_PERFORMER_TIP_MENUS_BY_MENU_ID: Final = Operation("DELETE", "/api/performer/tip-menus/{menu_id}")
DELETE_PERFORMER_TIP_MENUS_BY_MENU_ID_ITEMS_BY_ITEM_ID: Final = Operation(
    "DELETE", "/api/performer/tip-menus/{menu_id}/items/{item_id}"
)
DELETE_USERS_ME: Final = Operation("DELETE", "/api/users/me")
GET_ADMIN_AUDIT: Final = Operation("GET", "/api/admin/audit")
GET_ADMIN_COMMISSIONS: Final = Operation("GET", "/api/admin/commissions")
GET_ADMIN_COMMISSIONS_STATS: Final = Operation("GET", "/api/admin/commissions/stats")
GET_ADMIN_CORRECTIONS: Final = Operation("GET", "/api/admin/corrections")
GET_ADMIN_DIGITAL_ORDERS: Final = Operation("GET", "/api/admin/digital-orders")
GET_ADMIN_EVENTS: Final = Operation("GET", "/api/admin/events")
GET_ADMIN_EVENTS_BY_EVENT_ID_CANCELLATION: Final = Operation("GET", "/api/admin/events/{event_id}/cancellation")
GET_ADMIN_EVENTS_BY_EVENT_ID_DASHBOARD: Final = Operation("GET", "/api/admin/events/{event_id}/dashboard")
GET_ADMIN_EVENTS_BY_EVENT_ID_EXPORT_CSV: Final = Operation("GET", "/api/admin/events/{event_id}/export.csv")
GET_ADMIN_EVENTS_BY_EVENT_ID_SCANS: Final = Operation("GET", "/api/admin/events/{event_id}/scans")
GET_ADMIN_JOBS: Final = Operation("GET", "/api/admin/jobs")
GET_ADMIN_JOBS_BY_JOB_ID: Final = Operation("GET", "/api/admin/jobs/{job_id}")
GET_ADMIN_JOBS_STATS: Final = Operation("GET", "/api/admin/jobs/stats")
GET_ADMIN_PARKED_MESSAGES: Final = Operation("GET", "/api/admin/parked-messages")
GET_ADMIN_PAYMENTS: Final = Operation("GET", "/api/admin/payments")
GET_ADMIN_PERFORMERS_BY_PERFORMER_ID_EARNINGS: Final = Operation("GET", "/api/admin/performers/{performer_id}/earnings")
GET_ADMIN_PERFORMERS_BY_PERFORMER_ID_MENUS: Final = Operation("GET", "/api/admin/performers/{performer_id}/menus")
GET_ADMIN_PERFORMERS_BY_PERFORMER_ID_MENUS_BY_MENU_ID_WHITELIST: Final = Operation(
    "GET", "/api/admin/performers/{performer_id}/menus/{menu_id}/whitelist"
)
GET_ADMIN_PERFORMERS_BY_PERFORMER_ID_MENU_TEMPLATES: Final = Operation(
    "GET", "/api/admin/performers/{performer_id}/menu-templates"
)
GET_ADMIN_PERFORMERS_BY_PERFORMER_ID_PROFILE: Final = Operation("GET", "/api/admin/performers/{performer_id}/profile")
GET_ADMIN_PERFORMERS_BY_PERFORMER_ID_SALES: Final = Operation("GET", "/api/admin/performers/{performer_id}/sales")
GET_ADMIN_PERFORMERS_BY_PERFORMER_ID_SUBSCRIBERS: Final = Operation(
    "GET", "/api/admin/performers/{performer_id}/subscribers"
)
GET_ADMIN_PERFORMERS_BY_PERFORMER_ID_TIP_MENUS: Final = Operation(
    "GET", "/api/admin/performers/{performer_id}/tip-menus"
)
GET_ADMIN_PRODUCTS: Final = Operation("GET", "/api/admin/products")
GET_ADMIN_RECEIVABLES: Final = Operation("GET", "/api/admin/receivables")
GET_ADMIN_RESERVATIONS: Final = Operation("GET", "/api/admin/reservations")
GET_ADMIN_SAGAS: Final = Operation("GET", "/api/admin/sagas")
GET_ADMIN_SCANS: Final = Operation("GET", "/api/admin/scans")
GET_ADMIN_TRANSFERS: Final = Operation("GET", "/api/admin/transfers")
GET_ADMIN_USERS: Final = Operation("GET", "/api/admin/users")
GET_ADMIN_WEBHOOK_LOGS: Final = Operation("GET", "/api/admin/webhook-logs")
GET_ADMIN_WEBHOOK_LOGS_BY_WEBHOOK_ID: Final = Operation("GET", "/api/admin/webhook-logs/{webhook_id}")
GET_ADMIN_WEBHOOK_SUBSCRIPTIONS: Final = Operation("GET", "/api/admin/webhook-subscriptions")
GET_ADMIN_WEBHOOK_SUBSCRIPTIONS_BY_SUBSCRIPTION_ID_DELIVERIES: Final = Operation(
    "GET", "/api/admin/webhook-subscriptions/{subscription_id}/deliveries"
)
GET_ARTICLES: Final = Operation("GET", "/api/articles")
GET_ARTICLES_BY_SLUG: Final = Operation("GET", "/api/articles/{slug}")
GET_AUTH_SESSIONS: Final = Operation("GET", "/api/auth/sessions")
GET_COMMISSIONS: Final = Operation("GET", "/api/commissions")
GET_COMMISSIONS_BY_CHECKOUT_BY_SESSION_ID: Final = Operation("GET", "/api/commissions/by-checkout/{session_id}")
GET_COMMISSIONS_BY_ORDER_ID: Final = Operation("GET", "/api/commissions/{order_id}")
GET_COMMISSIONS_BY_ORDER_ID_COMPARE: Final = Operation("GET", "/api/commissions/{order_id}/compare")
GET_COMMISSIONS_BY_ORDER_ID_VERSIONS_BY_NUMBER: Final = Operation(
    "GET", "/api/commissions/{order_id}/versions/{number}"
)
GET_COMMISSIONS_PRICES: Final = Operation("GET", "/api/commissions/prices")
GET_CREDITS_BALANCE: Final = Operation("GET", "/api/credits/balance")
GET_CREDITS_STATEMENT: Final = Operation("GET", "/api/credits/statement")
GET_DIGITAL_ORDERS: Final = Operation("GET", "/api/digital-orders")
GET_DIGITAL_ORDERS_BY_ORDER_ID: Final = Operation("GET", "/api/digital-orders/{order_id}")
GET_DOWNLOADS_BY_TOKEN: Final = Operation("GET", "/api/downloads/{token}")
GET_EVENTS: Final = Operation("GET", "/api/events")
GET_EVENTS_BY_EVENT_ID: Final = Operation("GET", "/api/events/{event_id}")
GET_EVENTS_BY_EVENT_ID_AVAILABILITY: Final = Operation("GET", "/api/events/{event_id}/availability")
GET_FULFILLMENT_BY_ORDER_ID_DOWNLOAD_LINK: Final = Operation("GET", "/api/fulfillment/{order_id}/download-link")
GET_FULFILLMENT_BY_ORDER_ID_STATUS: Final = Operation("GET", "/api/fulfillment/{order_id}/status")
GET_LISTINGS: Final = Operation("GET", "/api/listings")
GET_MARKETPLACE_LISTINGS: Final = Operation("GET", "/api/marketplace/listings")
GET_MARKETPLACE_LISTINGS_BY_LISTING_ID: Final = Operation("GET", "/api/marketplace/listings/{listing_id}")
GET_MENU_BY_MENU_ID: Final = Operation("GET", "/api/menu/{menu_id}")
GET_MENU_PERFORMER_BY_PERFORMER_ID: Final = Operation("GET", "/api/menu/performer/{performer_id}")
GET_MENU_PURCHASE_BY_PURCHASE_ID_STATUS: Final = Operation("GET", "/api/menu/purchase/{purchase_id}/status")
GET_MENU_PURCHASE_HISTORY: Final = Operation("GET", "/api/menu/purchase/history")
GET_ORDERS: Final = Operation("GET", "/api/orders")
GET_ORDERS_BY_ORDER_ID: Final = Operation("GET", "/api/orders/{order_id}")
GET_PAYMENTS: Final = Operation("GET", "/api/payments")
GET_PAYMENTS_BY_PAYMENT_ID: Final = Operation("GET", "/api/payments/{payment_id}")
GET_PERFORMANCE_QUEUE: Final = Operation("GET", "/api/performance-queue")
GET_PERFORMANCE_QUEUE_STATUS_BY_QUEUE_REQUEST_ID: Final = Operation(
    "GET", "/api/performance-queue/status/{queue_request_id}"
)
GET_PERFORMERS: Final = Operation("GET", "/api/performers")
GET_PERFORMERS_BY_PERFORMER_ID: Final = Operation("GET", "/api/performers/{performer_id}")
GET_PERFORMER_EARNINGS: Final = Operation("GET", "/api/performer/earnings")
GET_PERFORMER_MENUS: Final = Operation("GET", "/api/performer/menus")
GET_PERFORMER_MENUS_BY_MENU_ID_WHITELIST: Final = Operation("GET", "/api/performer/menus/{menu_id}/whitelist")
GET_PERFORMER_MENU_TEMPLATES: Final = Operation("GET", "/api/performer/menu-templates")
GET_PERFORMER_PAYOUTS: Final = Operation("GET", "/api/performer/payouts")
GET_PERFORMER_PROFILE: Final = Operation("GET", "/api/performer/profile")
GET_PERFORMER_SALES: Final = Operation("GET", "/api/performer/sales")
GET_PERFORMER_SUBSCRIBERS: Final = Operation("GET", "/api/performer/subscribers")
GET_PERFORMER_TIP_MENUS: Final = Operation("GET", "/api/performer/tip-menus")
GET_PRODUCTS: Final = Operation("GET", "/api/products")
GET_PURCHASED_ITEMS: Final = Operation("GET", "/api/purchased-items")
GET_PURCHASED_ITEMS_BY_PURCHASED_ITEM_ID: Final = Operation("GET", "/api/purchased-items/{purchased_item_id}")
GET_SUBSCRIPTIONS: Final = Operation("GET", "/api/subscriptions")
GET_TICKETS: Final = Operation("GET", "/api/tickets")
GET_TICKETS_BY_SEAT_ID_QR: Final = Operation("GET", "/api/tickets/{seat_id}/qr")
GET_TICKETS_BY_SEAT_ID_QR_SVG: Final = Operation("GET", "/api/tickets/{seat_id}/qr.svg")
GET_TIP_GRID_BY_PERFORMER_ID: Final = Operation("GET", "/api/tip-grid/{performer_id}")
GET_TRANSFERS: Final = Operation("GET", "/api/transfers")
GET_TRANSFERS_BY_TRANSFER_ID: Final = Operation("GET", "/api/transfers/{transfer_id}")
GET_USERS_BY_USER_ID: Final = Operation("GET", "/api/users/{user_id}")
GET_USERS_ME: Final = Operation("GET", "/api/users/me")
GET_USERS_ME_EXPORT: Final = Operation("GET", "/api/users/me/export")
GET_VENUES: Final = Operation("GET", "/api/venues")
PATCH_ADMIN_EVENTS_BY_EVENT_ID: Final = Operation("PATCH", "/api/admin/events/{event_id}", takes_key=True)
PATCH_ADMIN_PERFORMERS_BY_PERFORMER_ID_MENUS_BY_MENU_ID: Final = Operation(
    "PATCH", "/api/admin/performers/{performer_id}/menus/{menu_id}"
)
PATCH_ADMIN_PERFORMERS_BY_PERFORMER_ID_MENUS_BY_MENU_ID_ITEMS_BY_ITEM_ID: Final = Operation(
    "PATCH", "/api/admin/performers/{performer_id}/menus/{menu_id}/items/{item_id}"
)
PATCH_ADMIN_PERFORMERS_BY_PERFORMER_ID_PROFILE: Final = Operation(
    "PATCH", "/api/admin/performers/{performer_id}/profile"
)
PATCH_ADMIN_PERFORMERS_BY_PERFORMER_ID_TIP_MENUS_BY_MENU_ID: Final = Operation(
    "PATCH", "/api/admin/performers/{performer_id}/tip-menus/{menu_id}"
)
PATCH_ADMIN_PERFORMERS_BY_PERFORMER_ID_TIP_MENUS_BY_MENU_ID_ITEMS_BY_ITEM_ID: Final = Operation(
    "PATCH", "/api/admin/performers/{performer_id}/tip-menus/{menu_id}/items/{item_id}"
)
PATCH_ADMIN_PRODUCTS_BY_PRODUCT_ID: Final = Operation("PATCH", "/api/admin/products/{product_id}")
PATCH_ADMIN_USERS_BY_USER_ID: Final = Operation("PATCH", "/api/admin/users/{user_id}")
PATCH_ARTICLES_BY_SLUG: Final = Operation("PATCH", "/api/articles/{slug}")
PATCH_PERFORMER_MENUS_BY_MENU_ID: Final = Operation("PATCH", "/api/performer/menus/{menu_id}")
PATCH_PERFORMER_MENUS_BY_MENU_ID_ITEMS_BY_ITEM_ID: Final = Operation(
    "PATCH", "/api/performer/menus/{menu_id}/items/{item_id}"
)
PATCH_PERFORMER_PROFILE: Final = Operation("PATCH", "/api/performer/profile")
PATCH_PERFORMER_TIP_MENUS_BY_MENU_ID: Final = Operation("PATCH", "/api/performer/tip-menus/{menu_id}")
PATCH_PERFORMER_TIP_MENUS_BY_MENU_ID_ITEMS_BY_ITEM_ID: Final = Operation(
    "PATCH", "/api/performer/tip-menus/{menu_id}/items/{item_id}"
)
PATCH_USERS_ME: Final = Operation("PATCH", "/api/users/me")
POST_ADMIN_COMMISSIONS_BY_ORDER_ID_APPROVE: Final = Operation(
    "POST", "/api/admin/commissions/{order_id}/approve", takes_key=True
)
POST_ADMIN_COMMISSIONS_BY_ORDER_ID_REFUND: Final = Operation(
    "POST", "/api/admin/commissions/{order_id}/refund", takes_key=True
)
POST_ADMIN_COMMISSIONS_BY_ORDER_ID_RETRY: Final = Operation(
    "POST", "/api/admin/commissions/{order_id}/retry", takes_key=True
)
POST_ADMIN_COMMISSIONS_BY_ORDER_ID_SEND_BACK: Final = Operation(
    "POST", "/api/admin/commissions/{order_id}/send-back", takes_key=True
)
POST_ADMIN_DIGITAL_ORDERS_BY_ORDER_ID_REFUND: Final = Operation(
    "POST", "/api/admin/digital-orders/{order_id}/refund", takes_key=True
)
POST_ADMIN_DIGITAL_ORDERS_BY_ORDER_ID_RETRY: Final = Operation(
    "POST", "/api/admin/digital-orders/{order_id}/retry", takes_key=True
)
POST_ADMIN_EVENTS: Final = Operation("POST", "/api/admin/events", takes_key=True)
POST_ADMIN_EVENTS_BY_EVENT_ID_CANCEL: Final = Operation("POST", "/api/admin/events/{event_id}/cancel")
POST_ADMIN_EVENTS_BY_EVENT_ID_SEATS_BLOCK: Final = Operation(
    "POST", "/api/admin/events/{event_id}/seats/block", takes_key=True
)
POST_ADMIN_EVENTS_BY_EVENT_ID_SEATS_UNBLOCK: Final = Operation(
    "POST", "/api/admin/events/{event_id}/seats/unblock", takes_key=True
)
POST_ADMIN_JOBS_ACKNOWLEDGE_ALL: Final = Operation("POST", "/api/admin/jobs/acknowledge-all")
POST_ADMIN_JOBS_BY_JOB_ID_ACKNOWLEDGE: Final = Operation("POST", "/api/admin/jobs/{job_id}/acknowledge")
POST_ADMIN_JOBS_BY_JOB_ID_CANCEL: Final = Operation("POST", "/api/admin/jobs/{job_id}/cancel")
POST_ADMIN_JOBS_BY_JOB_ID_RETRY: Final = Operation("POST", "/api/admin/jobs/{job_id}/retry")
POST_ADMIN_JOBS_RETRY_ALL: Final = Operation("POST", "/api/admin/jobs/retry-all")
POST_ADMIN_PARKED_MESSAGES_BY_PARKED_ID_DISCARD: Final = Operation(
    "POST", "/api/admin/parked-messages/{parked_id}/discard"
)
POST_ADMIN_PARKED_MESSAGES_BY_PARKED_ID_REPLAY: Final = Operation(
    "POST", "/api/admin/parked-messages/{parked_id}/replay"
)
POST_ADMIN_PERFORMERS_BY_PERFORMER_ID_MENUS: Final = Operation(
    "POST", "/api/admin/performers/{performer_id}/menus", takes_key=True
)
POST_ADMIN_PERFORMERS_BY_PERFORMER_ID_MENUS_BY_MENU_ID_ITEMS: Final = Operation(
    "POST", "/api/admin/performers/{performer_id}/menus/{menu_id}/items", takes_key=True
)
POST_ADMIN_PERFORMERS_BY_PERFORMER_ID_MENUS_BY_MENU_ID_WHITELIST: Final = Operation(
    "POST", "/api/admin/performers/{performer_id}/menus/{menu_id}/whitelist"
)
POST_ADMIN_PERFORMERS_BY_PERFORMER_ID_MENU_TEMPLATES_BY_TEMPLATE_APPLY: Final = Operation(
    "POST", "/api/admin/performers/{performer_id}/menu-templates/{template}/apply", takes_key=True
)
POST_ADMIN_PERFORMERS_BY_PERFORMER_ID_TIP_MENUS: Final = Operation(
    "POST", "/api/admin/performers/{performer_id}/tip-menus", takes_key=True
)
POST_ADMIN_PERFORMERS_BY_PERFORMER_ID_TIP_MENUS_BY_MENU_ID_ITEMS: Final = Operation(
    "POST", "/api/admin/performers/{performer_id}/tip-menus/{menu_id}/items", takes_key=True
)
POST_ADMIN_PRODUCTS: Final = Operation("POST", "/api/admin/products", takes_key=True)
POST_ADMIN_RECEIVABLES_BY_USER_ID_SETTLE: Final = Operation(
    "POST", "/api/admin/receivables/{user_id}/settle", takes_key=True
)
POST_ADMIN_RECEIVABLES_BY_USER_ID_WRITE_OFF: Final = Operation(
    "POST", "/api/admin/receivables/{user_id}/write-off", takes_key=True
)
POST_ADMIN_SAGAS_BY_SAGA_ID_RETRY: Final = Operation("POST", "/api/admin/sagas/{saga_id}/retry")
POST_ADMIN_SAGAS_RETRY_ALL: Final = Operation("POST", "/api/admin/sagas/retry-all")
POST_ADMIN_USERS_BY_USER_ID_ADJUSTMENTS: Final = Operation(
    "POST", "/api/admin/users/{user_id}/adjustments", takes_key=True
)
POST_ADMIN_WEBHOOK_DELIVERIES_BY_DELIVERY_ID_REPLAY: Final = Operation(
    "POST", "/api/admin/webhook-deliveries/{delivery_id}/replay"
)
POST_ADMIN_WEBHOOK_LOGS_BY_WEBHOOK_ID_REPLAY: Final = Operation("POST", "/api/admin/webhook-logs/{webhook_id}/replay")
POST_ADMIN_WEBHOOK_SUBSCRIPTIONS: Final = Operation("POST", "/api/admin/webhook-subscriptions")
POST_ADMIN_WEBHOOK_SUBSCRIPTIONS_BY_SUBSCRIPTION_ID_ENABLE: Final = Operation(
    "POST", "/api/admin/webhook-subscriptions/{subscription_id}/enable"
)
POST_AUTH_CHANGE_PASSWORD: Final = Operation("POST", "/api/auth/change-password")
POST_AUTH_FORGOT_PASSWORD: Final = Operation("POST", "/api/auth/forgot-password")
POST_AUTH_LOGIN: Final = Operation("POST", "/api/auth/login")
POST_AUTH_LOGOUT: Final = Operation("POST", "/api/auth/logout")
POST_AUTH_REFRESH: Final = Operation("POST", "/api/auth/refresh")
POST_AUTH_REGISTER: Final = Operation("POST", "/api/auth/register")
POST_AUTH_RESET_PASSWORD: Final = Operation("POST", "/api/auth/reset-password")
POST_AUTH_VERIFY_EMAIL: Final = Operation("POST", "/api/auth/verify-email")
POST_AUTH_VERIFY_EMAIL_RESEND: Final = Operation("POST", "/api/auth/verify-email/resend")
POST_AUTH_VERIFY_REGISTRATION: Final = Operation("POST", "/api/auth/verify-registration")
POST_COMMISSIONS: Final = Operation("POST", "/api/commissions", takes_key=True)
POST_COMMISSIONS_BY_ORDER_ID_CANCEL: Final = Operation("POST", "/api/commissions/{order_id}/cancel")
POST_COMMISSIONS_BY_ORDER_ID_REVISIONS: Final = Operation(
    "POST", "/api/commissions/{order_id}/revisions", takes_key=True
)
POST_COMMISSIONS_BY_ORDER_ID_SUBMIT: Final = Operation("POST", "/api/commissions/{order_id}/submit", takes_key=True)
POST_CREDITS_TOPUP: Final = Operation("POST", "/api/credits/topup", takes_key=True)
POST_DIGITAL_ORDERS: Final = Operation("POST", "/api/digital-orders", takes_key=True)
POST_DIGITAL_ORDERS_BY_ORDER_ID_CANCEL: Final = Operation("POST", "/api/digital-orders/{order_id}/cancel")
POST_FULFILLMENT_BY_ORDER_ID_DELETE_KEYS: Final = Operation("POST", "/api/fulfillment/{order_id}/delete-keys")
POST_FULFILLMENT_BY_ORDER_ID_REVEAL: Final = Operation("POST", "/api/fulfillment/{order_id}/reveal")
POST_MARKETPLACE_APPROVE: Final = Operation("POST", "/api/marketplace/approve", takes_key=True)
POST_MARKETPLACE_BUY: Final = Operation("POST", "/api/marketplace/buy", takes_key=True)
POST_MARKETPLACE_CANCEL: Final = Operation("POST", "/api/marketplace/cancel")
POST_MARKETPLACE_LIST: Final = Operation("POST", "/api/marketplace/list", takes_key=True)
POST_MENU_PURCHASE: Final = Operation("POST", "/api/menu/purchase", takes_key=True)
POST_MENU_PURCHASE_BY_PURCHASE_ID_CANCEL: Final = Operation("POST", "/api/menu/purchase/{purchase_id}/cancel")
POST_ORDERS_BY_ORDER_ID_CANCEL: Final = Operation("POST", "/api/orders/{order_id}/cancel")
POST_ORDERS_BY_ORDER_ID_REFUND: Final = Operation("POST", "/api/orders/{order_id}/refund", takes_key=True)
POST_PAY: Final = Operation("POST", "/api/pay", takes_key=True)
POST_PAYMENTS_CRYPTO: Final = Operation("POST", "/api/payments/crypto", takes_key=True)
POST_PERFORMANCE_QUEUE_BY_PURCHASED_ITEM_ID_CANCEL: Final = Operation(
    "POST", "/api/performance-queue/{purchased_item_id}/cancel"
)
POST_PERFORMANCE_QUEUE_BY_PURCHASED_ITEM_ID_COMPLETE: Final = Operation(
    "POST", "/api/performance-queue/{purchased_item_id}/complete", takes_key=True
)
POST_PERFORMANCE_QUEUE_BY_PURCHASED_ITEM_ID_DECLINE: Final = Operation(
    "POST", "/api/performance-queue/{purchased_item_id}/decline"
)
POST_PERFORMANCE_QUEUE_BY_PURCHASED_ITEM_ID_START: Final = Operation(
    "POST", "/api/performance-queue/{purchased_item_id}/start"
)
POST_PERFORMANCE_QUEUE_PAUSE: Final = Operation("POST", "/api/performance-queue/pause")
POST_PERFORMANCE_QUEUE_RESUME: Final = Operation("POST", "/api/performance-queue/resume")
POST_PERFORMERS_BY_PERFORMER_ID_SUBSCRIPTION: Final = Operation(
    "POST", "/api/performers/{performer_id}/subscription", takes_key=True
)
POST_PERFORMER_MENUS: Final = Operation("POST", "/api/performer/menus", takes_key=True)
POST_PERFORMER_MENUS_BY_MENU_ID_ITEMS: Final = Operation("POST", "/api/performer/menus/{menu_id}/items", takes_key=True)
POST_PERFORMER_MENUS_BY_MENU_ID_WHITELIST: Final = Operation("POST", "/api/performer/menus/{menu_id}/whitelist")
POST_PERFORMER_MENU_TEMPLATES_BY_TEMPLATE_APPLY: Final = Operation(
    "POST", "/api/performer/menu-templates/{template}/apply", takes_key=True
)
POST_PERFORMER_TIP_MENUS: Final = Operation("POST", "/api/performer/tip-menus", takes_key=True)
POST_PERFORMER_TIP_MENUS_BY_MENU_ID_ITEMS: Final = Operation(
    "POST", "/api/performer/tip-menus/{menu_id}/items", takes_key=True
)
POST_RESEND_OTP: Final = Operation("POST", "/api/resend-otp")
POST_RESERVE: Final = Operation("POST", "/api/reserve", takes_key=True)
POST_RESERVE_BEST_AVAILABLE: Final = Operation("POST", "/api/reserve/best-available", takes_key=True)
POST_TIP_GRID_PURCHASE: Final = Operation("POST", "/api/tip-grid/purchase", takes_key=True)
POST_TRANSFER_CANCEL: Final = Operation("POST", "/api/transfer/cancel")
POST_TRANSFER_CONFIRM: Final = Operation("POST", "/api/transfer/confirm", takes_key=True)
POST_TRANSFER_DISMISS: Final = Operation("POST", "/api/transfer/dismiss", takes_key=True)
POST_TRANSFER_DISPUTE: Final = Operation("POST", "/api/transfer/dispute", takes_key=True)
POST_TRANSFER_INITIATE: Final = Operation("POST", "/api/transfer/initiate", takes_key=True)
POST_TRANSFER_REVERSE: Final = Operation("POST", "/api/transfer/reverse", takes_key=True)
POST_USERS_ME_VERIFY_PHONE: Final = Operation("POST", "/api/users/me/verify-phone")
POST_VERIFY: Final = Operation("POST", "/api/verify", takes_key=True)
POST_VERIFY_OTP: Final = Operation("POST", "/api/verify-otp", takes_key=True)
POST_VERIFY_UNDO: Final = Operation("POST", "/api/verify/undo", takes_key=True)
POST_WEBHOOKS_KINGUIN: Final = Operation("POST", "/api/webhooks/kinguin")
POST_WEBHOOKS_NOWPAYMENTS: Final = Operation("POST", "/api/webhooks/nowpayments")
POST_WEBHOOKS_STRIPE: Final = Operation("POST", "/api/webhooks/stripe")
