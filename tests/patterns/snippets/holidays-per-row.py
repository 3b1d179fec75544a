# slow
# below: __init__ holidays/holiday_base.py, _populate holidays/holiday_base.py
import holidays

def is_free(day):
    return day in holidays.Germany(years=day.year)  # hot

def free(days):
    return [is_free(day) for day in days]
# slow
# below: holidays pandas/tseries/holiday.py, dates pandas/tseries/holiday.py
from pandas.tseries.holiday import USFederalHolidayCalendar

def free(days):
    return [day in USFederalHolidayCalendar().holidays() for day in days]  # hot
# exempt: once
# below: __init__ holidays/holiday_base.py, _populate holidays/holiday_base.py
import holidays

FREE = holidays.Germany(years=range(2015, 2026))  # hot
# exempt: one calendar for each country
# below: country_holidays holidays/utils.py, __init__ holidays/holiday_base.py, _populate holidays/holiday_base.py
import holidays

def calendars(countries):
    return {country: holidays.country_holidays(country, years=range(2000, 2030)) for country in countries}  # hot
