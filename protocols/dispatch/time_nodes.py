"""Time nodes: the moments by which both services are judged, in the order in which they fall.

Source: the nodes of a deployed 120 command centre, with the chest-pain centre's first medical
contact and first 12-lead; NEMSIS 3.5 eTimes where an element exists.
"""

from enum import StrEnum


class TimeNode(StrEnum):
    """Wire strings: add, never rename. Declared in the order of a run."""

    RING = "ring"  # 电话振铃
    ANSWERED = "answered"  # 通话开始
    ACCEPTANCE_BEGAN = "acceptance_began"  # 开始受理
    ACCEPTANCE_ENDED = "acceptance_ended"  # 结束受理
    TASK_MADE = "task_made"  # 派车
    ORDER_RECEIVED = "order_received"  # 接收命令; eTimes.03
    ROLLING = "rolling"  # 出车; eTimes.05
    ON_SCENE = "on_scene"  # 到达现场; eTimes.06
    FIRST_MEDICAL_CONTACT = "first_medical_contact"  # 首次医疗接触; eTimes.07
    FIRST_12_LEAD = "first_12_lead"  # 首份心电图
    PATIENT_ON_BOARD = "patient_on_board"  # 病人上车
    LEFT_SCENE = "left_scene"  # 离开现场; eTimes.09
    PREALERT_READ = "prealert_read"  # 预警
    AT_HOSPITAL = "at_hospital"  # 到达医院; eTimes.11
    HANDED_OVER = "handed_over"  # 交接; eTimes.12
    DONE = "done"  # 完成
    BACK_AT_STATION = "back_at_station"  # 返回站中; eTimes.13


class NodeSource(StrEnum):
    """What stamped a node. The button is the last resort."""

    GEOFENCE = "geofence"
    DEVICE = "device"
    BUTTON = "button"
    DISPATCH = "dispatch"
